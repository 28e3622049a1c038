import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from '@jest/globals';
import {readPackage, writePackage} from '../../../src/packaging/package.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cloudctl-package-'));
});

afterEach(() => {
  rmSync(root, {recursive: true, force: true});
});

function write(path: string, content = path): void {
  mkdirSync(dirname(join(root, path)), {recursive: true});
  writeFileSync(join(root, path), content);
}

const paths = (): string[] => readPackage(root).files.map(({path}) => path);

describe('what goes into a package', () => {
  test('files in a fixed order, tools and caches left out', () => {
    for (const path of [
      'main.py',
      'b/two.py',
      'a/one.py',
      '.git/HEAD',
      'b/__pycache__/x.pyc',
      '.venv/bin/python',
      'node_modules/x/index.js',
    ])
      write(path);
    expect(paths()).toEqual(['a/one.py', 'b/two.py', 'main.py']);
  });

  test('ignore files: nested .gitignore, anchored .dockerignore, .cloudctlignore has the last word', () => {
    for (const path of [
      'main.py',
      'data/a.csv',
      'data/keep.csv',
      'sub/data/a.csv',
      'notes.md',
      'sub/notes.md',
      'build/x',
    ])
      write(path);
    write('.gitignore', 'build/\n*.csv\n');
    write('.dockerignore', 'notes.md\n');
    write('.cloudctlignore', '!data/keep.csv\n');
    write('sub/.gitignore', '!*.csv\n');
    expect(paths()).toEqual(['data/keep.csv', 'main.py', 'sub/data/a.csv', 'sub/notes.md']);
    const {ignored} = readPackage(root);
    expect(ignored).toContainEqual({path: 'build/', by: '.gitignore'});
    expect(ignored).toContainEqual({path: 'notes.md', by: '.dockerignore'});
  });

  test.each(['.env', 'certs/server.pem', 'credentials.json', 'deploy/id_rsa'])('%s stops the deploy', path => {
    write('main.py');
    write(path);
    expect(() => readPackage(root)).toThrow(
      expect.objectContaining({code: 'SECRET_IN_PACKAGE', exitCode: 2, message: expect.stringContaining(path)}),
    );
  });

  test('a secret-like file that the project ignores, or takes in by name, does not', () => {
    for (const path of ['main.py', '.env', 'ca.pem', '.env.example']) write(path);
    write('.gitignore', '.env\n');
    write('.cloudctlignore', '!ca.pem\n');
    expect(paths()).toEqual(['.env.example', 'ca.pem', 'main.py']);
  });

  test('links are followed; a loop is an error that names the link; a dead one is left out with a word', () => {
    write('lib/a.py');
    write('main.py');
    symlinkSync(join(root, 'lib'), join(root, 'linked'));
    symlinkSync(join(root, 'nowhere'), join(root, 'dead'));
    const {files, warnings} = readPackage(root);
    expect(files.map(({path}) => path)).toEqual(['lib/a.py', 'linked/a.py', 'main.py']);
    expect(warnings).toEqual(['dead is a link to nothing and was left out.']);
    symlinkSync(root, join(root, 'lib/up'));
    expect(() => readPackage(root)).toThrow(expect.objectContaining({code: 'SYMLINK_LOOP', exitCode: 2}));
  });

  test('a link to itself is a loop too', () => {
    write('main.py');
    symlinkSync(join(root, 'self'), join(root, 'self'));
    expect(() => readPackage(root)).toThrow(expect.objectContaining({code: 'SYMLINK_LOOP'}));
  });

  test('empty, missing and too large', () => {
    expect(() => readPackage(root)).toThrow(expect.objectContaining({code: 'SOURCE_EMPTY', exitCode: 2}));
    expect(() => readPackage(join(root, 'no'))).toThrow(
      expect.objectContaining({code: 'SOURCE_NOT_FOUND', exitCode: 3}),
    );
    write('main.py');
    expect(() => readPackage(join(root, 'main.py'))).toThrow(expect.objectContaining({code: 'SOURCE_NOT_A_DIRECTORY'}));
    write('big.bin', '');
    truncateSync(join(root, 'big.bin'), 1024 ** 3 + 1);
    expect(() => readPackage(root)).toThrow(
      expect.objectContaining({code: 'FILE_TOO_LARGE', message: expect.stringContaining('big.bin')}),
    );
  });
});

describe('digest', () => {
  test('depends on names, contents and the executable bit, not on times', () => {
    write('main.py', 'x = 1\n');
    const {digest} = readPackage(root);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    utimesSync(join(root, 'main.py'), 1, 1);
    expect(readPackage(root).digest).toBe(digest);
    chmodSync(join(root, 'main.py'), 0o755);
    expect(readPackage(root).digest).not.toBe(digest);
    chmodSync(join(root, 'main.py'), 0o644);
    write('main.py', 'x = 2\n');
    expect(readPackage(root).digest).not.toBe(digest);
  });

  test('is the same on any machine', () => {
    write('main.py', 'x = 1\n');
    write('pkg/__init__.py', '');
    expect(readPackage(root).digest).toBe('sha256:9d7f34caee94ed508e34ef1d5041fd94fe6327e678c102f54388248dcecf4aac');
  });
});

test('a file that changes between reading and copying is an error, and nothing is taken half', () => {
  write('main.py', 'x = 1\n');
  const content = readPackage(root);
  write('main.py', 'x = 22\n');
  const copy = join(root, 'copy');
  mkdirSync(copy);
  expect(() => writePackage(content, copy)).toThrow(expect.objectContaining({code: 'SOURCE_CHANGED', exitCode: 7}));
});

test('a copy has the same contents and modes', () => {
  write('bin/tool', '#!/bin/sh\n');
  chmodSync(join(root, 'bin/tool'), 0o755);
  write('main.py', 'x = 1\n');
  const content = readPackage(root);
  const copy = mkdtempSync(join(tmpdir(), 'cloudctl-copy-'));
  writePackage(content, copy);
  expect(readFileSync(join(copy, 'main.py'), 'utf8')).toBe('x = 1\n');
  expect(readPackage(copy).digest).toBe(content.digest);
  rmSync(copy, {recursive: true});
});
