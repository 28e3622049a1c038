import {chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {afterAll, beforeAll, expect, test} from '@jest/globals';
import fc from 'fast-check';
import {deltaBetween, manifestFor} from '../../../src/packaging/manifest.js';
import {readPackage, readVerbatim} from '../../../src/packaging/package.js';

const RUNS = Number(process.env['CLOUDCTL_TEST_RUNS'] ?? 100);

let home: string;
let count = 0;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cloudctl-digest-'));
});

afterAll(() => {
  rmSync(home, {recursive: true, force: true});
});

interface File {
  path: string;
  content: Uint8Array;
  executable: boolean;
}

// Folders and files of different names, so that no path is both.
const folder = fc.constantFrom('a', 'a b', 'Z', 'ä', 'a-b', '日本', '.h');
const leaf = fc.constantFrom('m.py', 'M2.py', 'a.b', 'ö.txt', '0', 'x y', '~', '_', '😀', 'a!');
const files: fc.Arbitrary<File[]> = fc.uniqueArray(
  fc.record({
    path: fc.tuple(fc.array(folder, {maxLength: 3}), leaf).map(([folders, name]) => [...folders, name].join('/')),
    content: fc.uint8Array({maxLength: 40}),
    executable: fc.boolean(),
  }),
  {minLength: 1, maxLength: 12, selector: ({path}) => path},
);

/** Another machine: another place, umask and clock, files made in another order. */
interface Machine {
  place: string;
  umask: number;
  seconds: number;
  order: readonly number[];
}

const machine: fc.Arbitrary<Machine> = fc.record({
  place: fc.constantFrom('p', 'path with spaces', 'Ünïcode/deep/er'),
  umask: fc.constantFrom(0o000, 0o022, 0o077, 0o027),
  seconds: fc.integer({min: 0, max: 4_000_000_000}),
  order: fc.array(fc.nat(), {minLength: 12, maxLength: 12}),
});

function plant(tree: readonly File[], {place, umask, seconds, order}: Machine): string {
  const root = join(home, String(count++), place);
  const before = process.umask(umask);
  try {
    const shuffled = tree.map((file, i) => ({file, at: order[i]!})).sort((a, b) => a.at - b.at);
    for (const {file} of shuffled) {
      const path = join(root, file.path);
      mkdirSync(dirname(path), {recursive: true});
      writeFileSync(path, file.content, {mode: file.executable ? 0o777 : 0o666});
      utimesSync(path, seconds, seconds);
    }
  } finally {
    process.umask(before);
  }
  return root;
}

const property = {numRuns: RUNS};

test('the digest is the same for the same tree, wherever, whenever and in whatever order it was made', () => {
  fc.assert(
    fc.property(files, machine, machine, (tree, one, other) => {
      const first = readPackage(plant(tree, one));
      const second = readPackage(plant(tree, other));
      expect(second.digest).toBe(first.digest);
      expect(second.files.map(({path}) => path)).toEqual(tree.map(({path}) => path).sort());
      expect(readVerbatim(first.root).digest).toBe(first.digest);
      rmSync(join(home, String(count - 1)), {recursive: true});
      rmSync(join(home, String(count - 2)), {recursive: true});
    }),
    property,
  );
});

const change = fc.constantFrom('content', 'name', 'executable', 'added', 'removed');

test('any change of a content, a name or an executable bit is another digest, and the delta says which', () => {
  fc.assert(
    fc.property(files, machine, change, fc.nat(), (tree, where, what, at) => {
      const root = plant(tree, where);
      const before = readPackage(root);
      const {path, content, executable} = tree[at % tree.length]!;
      const file = join(root, path);
      const delta = {added: [] as string[], changed: [] as string[], removed: [] as string[]};
      if (what === 'content') {
        writeFileSync(file, content.length === 0 ? 'x' : content.map((byte, i) => (i === 0 ? byte ^ 1 : byte)));
        delta.changed.push(path);
      } else if (what === 'executable') {
        chmodSync(file, executable ? 0o644 : 0o755);
        delta.changed.push(path);
      } else if (what === 'name') {
        renameSync(file, `${file}2`);
        delta.removed.push(path);
        delta.added.push(`${path}2`);
      } else if (what === 'removed' && tree.length > 1) {
        rmSync(file);
        delta.removed.push(path);
      } else {
        writeFileSync(join(root, 'new'), '');
        delta.added.push('new');
      }
      const after = readPackage(root);
      expect(after.digest).not.toBe(before.digest);
      expect(deltaBetween(manifestFor(before), manifestFor(after))).toEqual(delta);
      rmSync(join(home, String(count - 1)), {recursive: true});
    }),
    property,
  );
});

test('names that a computer could run together do not', () => {
  const digestOf = (tree: Record<string, string>): string => {
    const root = join(home, String(count++));
    for (const [path, content] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, path)), {recursive: true});
      writeFileSync(join(root, path), content);
    }
    return readPackage(root).digest;
  };
  const trees: Record<string, string>[] = [{ab: 'c'}, {a: 'bc'}, {'a/b': 'c'}, {a: 'c', b: ''}, {a: '', b: 'c'}];
  expect(new Set(trees.map(digestOf)).size).toBe(trees.length);
});
