import {execFileSync, spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, resolve} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterEach, beforeEach, describe, expect, test} from '@jest/globals';
import {Snapshots} from '../../../src/ledger/snapshots.js';
import {deltaBetween, manifestFor} from '../../../src/packaging/manifest.js';
import {type ProjectPackage, readPackage, readVerbatim} from '../../../src/packaging/package.js';

let home: string;
let snapshots: Snapshots;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cloudctl-snapshots-'));
  snapshots = new Snapshots(join(home, 'snapshots'));
});

afterEach(() => {
  rmSync(home, {recursive: true, force: true});
});

function project(name: string, files: Record<string, string>): ProjectPackage {
  const root = join(home, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), {recursive: true});
    writeFileSync(join(root, path), content);
  }
  return readPackage(root);
}

const TWO_HOURS = 2 * 3600;
const age = (path: string): void => utimesSync(path, Date.now() / 1000 - TWO_HOURS, Date.now() / 1000 - TWO_HOURS);
const folders = (): string[] =>
  readdirSync(snapshots.directory).filter(name => statSync(join(snapshots.directory, name)).isDirectory());

/** Every folder that stands under a digest has that digest. */
function expectWhole(): void {
  for (const name of folders().filter(folder => folder.startsWith('sha256-')))
    expect(readVerbatim(join(snapshots.directory, name)).digest).toBe(name.replace('-', ':'));
}

describe('keeping', () => {
  test('a copy with its manifest, once; a second time says that it is used', async () => {
    const content = project('p', {'main.py': 'x = 1\n', 'pkg/a.py': ''});
    const kept = await snapshots.keep(content);
    expect(kept).toEqual({
      digest: content.digest,
      directory: snapshots.directoryOf(content.digest),
      files: 2,
      bytes: 6,
    });
    expectWhole();
    expect(folders()).toHaveLength(1);
    age(kept.directory);
    writeFileSync(join(content.root, 'main.py'), 'x = 2, but it is kept already\n');
    await snapshots.keep(content);
    expect(Date.now() - statSync(kept.directory).mtimeMs).toBeLessThan(60_000);
  });

  test('a project that changed since it was read is not kept, and leaves nothing behind', async () => {
    const content = project('p', {'main.py': 'x = 1\n'});
    writeFileSync(join(content.root, 'main.py'), 'x = 2\n');
    await expect(snapshots.keep(content)).rejects.toMatchObject({code: 'SOURCE_CHANGED'});
    expect(folders()).toEqual([]);
  });

  test('the copy holds what was hashed, even where the cache of hashes is wrong about a file', async () => {
    const content = project('p', {'main.py': 'x = 1\n'});
    const wrong = {...content, hashes: ['0'.repeat(64)]};
    await expect(snapshots.keep(wrong)).rejects.toMatchObject({code: 'SOURCE_CHANGED'});
  });
});

describe('a folder that was unpacked', () => {
  const unpack = (content: ProjectPackage): string => {
    const folder = join(home, 'unpacked');
    cpSync(content.root, folder, {recursive: true});
    return folder;
  };

  test('is moved to where its digest says, secrets and ignored names included', async () => {
    const content = project('p', {
      'main.py': 'x = 1\n',
      'a/.env': 'A=1',
      '.cloudctlignore': '!/a/.env\n',
      'b/Utils.py': '',
      'b/utils.py': '',
    });
    const source = await snapshots.keep(content);
    const folder = join(home, 'unpacked');
    renameSync(source.directory, folder);
    expect(await snapshots.keepDirectory(folder, content.digest)).toEqual(source);
    expect(existsSync(folder)).toBe(false);
    expectWhole();
    expect(folders()).toHaveLength(1);
  });

  test('is left where it is when there is one', async () => {
    const content = project('p', {'main.py': 'x = 1\n'});
    const source = await snapshots.keep(content);
    age(source.directory);
    const folder = unpack(content);
    expect(await snapshots.keepDirectory(folder, content.digest)).toEqual(source);
    expect(existsSync(folder)).toBe(true);
    expect(Date.now() - statSync(source.directory).mtimeMs).toBeLessThan(60_000);
  });

  test.each<[string, (folder: string) => void]>([
    ['another content', folder => writeFileSync(join(folder, 'main.py'), 'x = 2\n')],
    ['a file more', folder => writeFileSync(join(folder, 'more.pyc'), '')],
    ['a file less', folder => rmSync(join(folder, 'main.py'))],
    ['another executable bit', folder => chmodSync(join(folder, 'main.py'), 0o755)],
    ['a link', folder => symlinkSync('main.py', join(folder, 'link.py'))],
  ])('with %s is refused', async (_, spoil) => {
    const content = project('p', {'main.py': 'x = 1\n', 'b.py': ''});
    const folder = unpack(content);
    spoil(folder);
    await expect(snapshots.keepDirectory(folder, content.digest)).rejects.toMatchObject({
      code: 'PACKAGE_BROKEN',
      exitCode: 7,
    });
    expect(existsSync(snapshots.directoryOf(content.digest))).toBe(false);
  });
});

describe('manifests', () => {
  test('are what the package held, kept or computed', async () => {
    const content = project('p', {'main.py': 'x = 1\n', 'b.py': 'y'});
    const {directory} = await snapshots.keep(content);
    const expected = manifestFor(content);
    expect(await snapshots.manifestOf(content.digest)).toEqual(expected);
    const file = `${directory}.json`;
    const good = readFileSync(file, 'utf8');
    for (const bad of ['', '[]', '{', good.replace('main.py', 'mean.py'), 'null', '[[1,2]]']) {
      writeFileSync(file, bad);
      expect(await snapshots.manifestOf(content.digest)).toEqual(expected);
      expect(readFileSync(file, 'utf8')).toBe(good);
    }
    rmSync(file);
    expect(await snapshots.manifestOf(content.digest)).toEqual(expected);
    expect(existsSync(file)).toBe(true);
  });

  test('are unknown where the snapshot is not here, or is not what it was', async () => {
    const content = project('p', {'main.py': 'x = 1\n'});
    expect(await snapshots.manifestOf(content.digest)).toBeUndefined();
    const {directory} = await snapshots.keep(content);
    rmSync(`${directory}.json`);
    writeFileSync(join(directory, 'main.py'), 'damaged');
    expect(await snapshots.manifestOf(content.digest)).toBeUndefined();
  });

  test('tell added, changed and removed files', () => {
    const before = manifestFor(project('p', {'a.py': '1', 'b.py': '1', 'c.py': '1'}));
    const after = manifestFor(project('q', {'b.py': '2', 'c.py': '1', 'd.py': '1', ['__proto__']: ''}));
    expect(deltaBetween(before, after)).toEqual({added: ['__proto__', 'd.py'], changed: ['b.py'], removed: ['a.py']});
    expect(deltaBetween(before, before)).toEqual({added: [], changed: [], removed: []});
  });
});

describe('collecting', () => {
  test('removes what nothing refers to and nobody used for an hour', async () => {
    const [used, young, old] = [
      project('used', {'main.py': '1'}),
      project('young', {'main.py': '2'}),
      project('old', {'main.py': 'three'}),
    ];
    for (const content of [used, young, old]) await snapshots.keep(content);
    for (const {digest} of [used, old]) age(snapshots.directoryOf(digest));
    expect(await snapshots.collect(new Set([used.digest]))).toEqual({removed: 1, bytes: 5});
    const left = [used, young].map(({digest}) => digest.replace(':', '-'));
    expect(readdirSync(snapshots.directory).sort()).toEqual(left.flatMap(name => [name, `${name}.json`]).sort());
    expect(await snapshots.collect(new Set())).toEqual({removed: 1, bytes: 1});
  });

  test('where there is nothing yet', async () => {
    expect(await snapshots.collect(new Set())).toEqual({removed: 0, bytes: 0});
  });

  test('finishes what was interrupted: removals go on, one that is in use comes back, old copies go', async () => {
    const content = project('p', {'main.py': '1'});
    const {directory} = await snapshots.keep(content);
    const inside = (name: string): string => join(snapshots.directory, name);
    renameSync(directory, inside(`old-${content.digest.replace(':', '-')}`));
    for (const name of ['new-old', 'new-young', 'gone-x']) mkdirSync(inside(name));
    writeFileSync(inside('gone-x/half'), '');
    age(inside('new-old'));
    writeFileSync(inside(`sha256-${'0'.repeat(64)}.json`), '[]');
    age(inside(`sha256-${'0'.repeat(64)}.json`));
    await snapshots.collect(new Set());
    expect(readdirSync(snapshots.directory).sort()).toEqual(
      ['new-young', ...[directory, `${directory}.json`].map(path => path.slice(snapshots.directory.length + 1))].sort(),
    );
    expectWhole();
  });

  test('loses nothing to a deploy that keeps the same at the same time', async () => {
    const content = project('p', {'main.py': '1', 'pkg/a.py': '2'});
    const {directory} = await snapshots.keep(content);
    for (let round = 0; round < 60; round++) {
      if (existsSync(directory)) age(directory);
      await Promise.all([
        snapshots.collect(new Set()),
        snapshots.keep(content),
        new Snapshots(snapshots.directory).collect(new Set()),
      ]);
      expect(existsSync(directory)).toBe(true);
      expectWhole();
    }
  });
});

/** Keeps and collects until it is killed. */
const CHILD = `
import {utimesSync} from 'node:fs';
import {Snapshots} from './src/ledger/snapshots.ts';
import {readPackage} from './src/packaging/package.ts';
void (async () => {
  const [, , directory, ...roots] = process.argv;
  const snapshots = new Snapshots(directory!);
  const contents = roots.map(root => readPackage(root));
  process.stdout.write('ready\\n');
  for (;;) {
    for (const content of contents) {
      const {directory: kept} = await snapshots.keep(content);
      utimesSync(kept, 1, 1);
    }
    await snapshots.collect(new Set());
  }
})();
`;

test('wherever it is killed, no folder looks whole that is not', async () => {
  const repository = resolve(process.cwd());
  const script = join(home, 'child.cjs');
  execFileSync(
    join(repository, 'node_modules/.bin/esbuild'),
    [
      '--bundle',
      '--platform=node',
      '--log-level=error',
      '--loader=ts',
      `--alias:@cloudctl/provider-sdk=${join(repository, 'packages/provider-sdk/src/index.ts')}`,
      `--outfile=${script}`,
    ],
    {input: CHILD, cwd: repository},
  );
  const roots = ['p', 'q'].map(name => {
    const files = Array.from({length: 60}, (_, i): [string, string] => [`f${i % 7}/m${i}.py`, `${name} = ${i}\n`]);
    return project(name, Object.fromEntries(files)).root;
  });
  let seen = 0;
  for (let round = 0; round < 25; round++) {
    const child = spawn(process.execPath, [script, snapshots.directory, ...roots], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await sleep(Math.random() * 60);
    child.kill('SIGKILL');
    await once(child, 'close');
    expectWhole();
    seen += folders().length;
  }
  expect(seen).toBeGreaterThan(0);
  for (const root of roots) await snapshots.keep(readPackage(root));
  expectWhole();
  expect(folders().filter(name => name.startsWith('sha256-'))).toHaveLength(2);
});
