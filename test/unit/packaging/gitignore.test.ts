import {execFileSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {isCloudError} from '@cloudctl/provider-sdk';
import {afterAll, beforeAll, expect, test} from '@jest/globals';
import fc from 'fast-check';
import {readPackage} from '../../../src/packaging/package.js';
import type {Ignored} from '../../../src/packaging/walk.js';

/** More for a long run: CLOUDCTL_TEST_RUNS=5000. The seed of a failure is printed; give it as CLOUDCTL_TEST_SEED. */
const RUNS = Number(process.env['CLOUDCTL_TEST_RUNS'] ?? 150);
const SEED = process.env['CLOUDCTL_TEST_SEED'];

let root: string;

// Nothing of the user's own git: no global ignore file, no system configuration.
const environment = {...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1'};
const git = (args: readonly string[], input = ''): string =>
  execFileSync('git', ['-c', 'core.excludesFile=/dev/null', ...args], {
    cwd: root,
    env: environment,
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'cloudctl-ignore-'));
  git(['init', '-q', '.']);
});

afterAll(() => {
  rmSync(root, {recursive: true, force: true});
});

interface Tree {
  files: readonly string[];
  /** Lines by the folder of the `.gitignore`. */
  rules: readonly {folder: string; lines: readonly string[]; ending: string}[];
}

// No built-in rule meets any of these.
const NAMES = [
  'a',
  'b',
  'ab',
  'foo',
  'Foo',
  'bar.txt',
  'foo.txt',
  'x.log',
  'a.b.c',
  'x y',
  'é',
  '[z]',
  '#c',
  '!d',
  'e ',
  'w\\v',
  '*',
  '-',
  ']',
  '^a',
  'data',
];
const name = fc.constantFrom(...NAMES);
const path = fc.array(name, {minLength: 1, maxLength: 4}).map(names => names.join('/'));
// Not `a**/b`: what git before 2.41 makes of it depends on addresses in memory.
const WILD = [
  '*',
  '**',
  '***',
  '?',
  '??',
  '*.txt',
  '*.log',
  'f*',
  '*o',
  'f?o',
  'a*c',
  '*.*',
  '[ab]',
  '[!a]',
  '[^a]',
  '[a-c]',
  '[a-c]*',
  '[b-a]',
  '[]]',
  '[]-a]',
  '[!]a]',
  '[[:alpha:]]',
  '[[:alpha:]-]*',
  '[[:upper:]]*',
  '[\\]]',
  '[a',
  '[z]',
  '\\[z]',
  '\\#c',
  '\\!d',
  '\\a',
  '\\*',
  '*\\**',
  'e\\ ',
  'e',
  'x\\ y',
  'w\\\\v',
  'w\\v',
  'data',
  'fo[o/]',
  '[^a]*',
  '**a',
  'a**b',
  '.*',
  ' a',
  'é',
  '?.b*',
  'foo.tx[t]',
  '#c',
  '!d',
  '\\',
];
const segment = fc.oneof(name, fc.constantFrom(...WILD));
const line = fc
  .record({
    negative: fc.boolean().map(yes => (yes ? '!' : '')),
    start: fc.constantFrom('', '', '', '/', '**/', './'),
    segments: fc.array(segment, {minLength: 1, maxLength: 3}),
    end: fc.constantFrom('', '', '', '/', '/*', '/**', '/**/', ' ', '   ', '/ ', '//', '\\ ', '\t'),
  })
  .map(({negative, start, segments, end}) => `${negative}${start}${segments.join('/')}${end}`);
const lines = fc.array(
  fc.oneof(
    {weight: 9, arbitrary: line},
    {weight: 1, arbitrary: fc.constantFrom('', '# a', '!', '/', ' ', '*', '!*/', '**')},
  ),
  {maxLength: 6},
);

const tree: fc.Arbitrary<Tree> = fc
  .record({
    files: fc.uniqueArray(path, {minLength: 1, maxLength: 20}),
    top: lines,
    inside: fc.array(fc.record({at: fc.nat(), depth: fc.nat(3), lines}), {maxLength: 3}),
    ending: fc.constantFrom('\n', '\n', '\r\n'),
  })
  .map(({files, top, inside, ending}) => {
    const folders = new Map([['', top]]);
    for (const {at, depth, lines: own} of inside) {
      const names = files[at % files.length]!.split('/').slice(0, -1);
      folders.set(names.slice(0, Math.max(depth, 1)).join('/'), own);
    }
    return {files, rules: [...folders].map(([folder, own]) => ({folder, lines: own, ending}))};
  });

function plant({files, rules}: Tree): void {
  for (const entry of readdirSync(root)) if (entry !== '.git') rmSync(join(root, entry), {recursive: true});
  for (const file of files) {
    try {
      mkdirSync(dirname(join(root, file)), {recursive: true});
      writeFileSync(join(root, file), file);
    } catch (error) {
      // A name cannot be a file and a folder.
      if (!['EEXIST', 'ENOTDIR', 'EISDIR'].includes((error as NodeJS.ErrnoException).code!)) throw error;
    }
  }
  for (const {folder, lines: own, ending} of rules) {
    try {
      writeFileSync(join(root, folder, '.gitignore'), own.map(text => text + ending).join(''));
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code!)) throw error;
    }
  }
}

function chosen(): {files: readonly string[]; ignored: readonly Ignored[]} {
  try {
    const {files, ignored} = readPackage(root);
    return {files: files.map(file => file.path), ignored};
  } catch (error) {
    if (isCloudError(error) && error.code === 'SOURCE_EMPTY') return {files: [], ignored: []};
    throw error;
  }
}

const isIgnoreFile = (file: string): boolean => file === '.gitignore' || file.endsWith('/.gitignore');
const sorted = (texts: readonly string[]): string[] => [...texts].sort();

/** What git says leaves a path out: `.gitignore: pattern`. */
function gitReasons(paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const fields = git(['check-ignore', '-v', '-n', '-z', '--stdin'], `${paths.join('\0')}\0`).split('\0');
  return paths.map((_, i) => `${fields[4 * i]}: ${fields[4 * i + 2]}`);
}

/** What once went wrong, or is met too seldom by chance. */
const EXAMPLES: readonly Tree[] = [
  {files: ['a', 'é'], rules: [{folder: '', lines: ['??'], ending: '\n'}]},
  {files: ['é', 'ab'], rules: [{folder: '', lines: ['[!a]?'], ending: '\n'}]},
  {files: ['a'], rules: [{folder: '', lines: ['!*'], ending: '\n'}]},
  {
    files: ['data/a', 'data/foo/b'],
    rules: [
      {folder: '', lines: ['foo/'], ending: '\n'},
      {folder: 'data', lines: ['!foo/'], ending: '\n'},
    ],
  },
];

test('for random trees and .gitignore files, what is chosen, and why the rest is not, is what git says', () => {
  fc.assert(
    fc.property(tree, planted => {
      plant(planted);
      const {files, ignored} = chosen();
      const expected = git(['ls-files', '-z', '-co', '--exclude-standard']).split('\0').slice(0, -1);
      expect(files).toEqual(sorted(expected.filter(file => !isIgnoreFile(file))));
      const byUser = ignored.filter(({by}) => !by.startsWith('built-in: '));
      expect(byUser.map(({by}) => by)).toEqual(gitReasons(byUser.map(({path: own}) => own.replace(/\/$/, ''))));
    }),
    {
      numRuns: RUNS,
      examples: EXAMPLES.map((example): [Tree] => [example]),
      ...(SEED === undefined ? {} : {seed: Number(SEED)}),
    },
  );
});
