import {chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, utimesSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {describe, expect, test} from '@jest/globals';
import {readPackage, writePackage} from '../../../src/packaging/package.js';
import {Tree} from './tree.js';

const tree = new Tree('cloudctl-package-');

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
      tree.write(path);
    expect(tree.paths()).toEqual(['a/one.py', 'b/two.py', 'main.py']);
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
      tree.write(path);
    tree.write('.gitignore', 'build/\n*.csv\n');
    tree.write('.dockerignore', 'notes.md\n');
    tree.write('.cloudctlignore', '!data/keep.csv\n');
    tree.write('sub/.gitignore', '!*.csv\n');
    expect(tree.paths()).toEqual(['data/keep.csv', 'main.py', 'sub/data/a.csv', 'sub/notes.md']);
    const {ignored} = readPackage(tree.root);
    expect(ignored).toContainEqual({path: 'build/', by: '.gitignore: build/'});
    expect(ignored).toContainEqual({path: 'notes.md', by: '.dockerignore: notes.md'});
  });

  test.each(['.env', 'certs/server.pem', 'credentials.json', 'deploy/id_rsa'])('%s stops the deploy', path => {
    tree.write('main.py');
    tree.write(path);
    expect(() => readPackage(tree.root)).toThrow(
      expect.objectContaining({code: 'SECRET_IN_PACKAGE', exitCode: 2, message: expect.stringContaining(path)}),
    );
  });

  test('a secret-like file that the project ignores, or takes in by name, does not', () => {
    for (const path of ['main.py', '.env', 'ca.pem', '.env.example']) tree.write(path);
    tree.write('.gitignore', '.env\n');
    tree.write('.cloudctlignore', '!ca.pem\n');
    expect(tree.paths()).toEqual(['.env.example', 'ca.pem', 'main.py']);
  });

  test('links are followed; a loop is an error that names the link; a dead one is left out with a word', () => {
    tree.write('lib/a.py');
    tree.write('main.py');
    symlinkSync(join(tree.root, 'lib'), join(tree.root, 'linked'));
    symlinkSync(join(tree.root, 'nowhere'), join(tree.root, 'dead'));
    const {files, warnings} = readPackage(tree.root);
    expect(files.map(({path}) => path)).toEqual(['lib/a.py', 'linked/a.py', 'main.py']);
    expect(warnings).toEqual(['dead is a link to nothing and was left out.']);
    symlinkSync(tree.root, join(tree.root, 'lib/up'));
    expect(() => readPackage(tree.root)).toThrow(expect.objectContaining({code: 'SYMLINK_LOOP', exitCode: 2}));
  });

  test('a link to itself is a loop too', () => {
    tree.write('main.py');
    symlinkSync(join(tree.root, 'self'), join(tree.root, 'self'));
    expect(() => readPackage(tree.root)).toThrow(expect.objectContaining({code: 'SYMLINK_LOOP'}));
  });

  test('empty, missing and too large', () => {
    expect(() => readPackage(tree.root)).toThrow(expect.objectContaining({code: 'SOURCE_EMPTY', exitCode: 2}));
    expect(() => readPackage(join(tree.root, 'no'))).toThrow(
      expect.objectContaining({code: 'SOURCE_NOT_FOUND', exitCode: 3}),
    );
    tree.write('main.py');
    expect(() => readPackage(join(tree.root, 'main.py'))).toThrow(
      expect.objectContaining({code: 'SOURCE_NOT_A_DIRECTORY'}),
    );
    tree.write('big.bin', '');
    truncateSync(join(tree.root, 'big.bin'), 1024 ** 3 + 1);
    expect(() => readPackage(tree.root)).toThrow(
      expect.objectContaining({code: 'FILE_TOO_LARGE', message: expect.stringContaining('big.bin')}),
    );
  });
});

describe('digest', () => {
  test('depends on names, contents and the executable bit, not on times', () => {
    tree.write('main.py', 'x = 1\n');
    const {digest} = readPackage(tree.root);
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    utimesSync(join(tree.root, 'main.py'), 1, 1);
    expect(readPackage(tree.root).digest).toBe(digest);
    chmodSync(join(tree.root, 'main.py'), 0o755);
    expect(readPackage(tree.root).digest).not.toBe(digest);
    chmodSync(join(tree.root, 'main.py'), 0o644);
    tree.write('main.py', 'x = 2\n');
    expect(readPackage(tree.root).digest).not.toBe(digest);
  });

  test('is the same on any machine', () => {
    tree.write('main.py', 'x = 1\n');
    tree.write('pkg/__init__.py', '');
    expect(readPackage(tree.root).digest).toBe(
      'sha256:9d7f34caee94ed508e34ef1d5041fd94fe6327e678c102f54388248dcecf4aac',
    );
  });
});

test('a file that changes between reading and copying is an error, and nothing is taken half', () => {
  tree.write('main.py', 'x = 1\n');
  const content = readPackage(tree.root);
  tree.write('main.py', 'x = 22\n');
  const copy = join(tree.root, 'copy');
  mkdirSync(copy);
  expect(() => writePackage(content, copy)).toThrow(expect.objectContaining({code: 'SOURCE_CHANGED', exitCode: 7}));
});

test('a copy has the same contents and modes', () => {
  tree.write('bin/tool', '#!/bin/sh\n');
  chmodSync(join(tree.root, 'bin/tool'), 0o755);
  tree.write('main.py', 'x = 1\n');
  const content = readPackage(tree.root);
  const copy = mkdtempSync(join(tmpdir(), 'cloudctl-copy-'));
  writePackage(content, copy);
  expect(readFileSync(join(copy, 'main.py'), 'utf8')).toBe('x = 1\n');
  expect(readPackage(copy).digest).toBe(content.digest);
  rmSync(copy, {recursive: true});
});
