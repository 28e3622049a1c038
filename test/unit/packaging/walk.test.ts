import {execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {beforeEach, describe, expect, test} from '@jest/globals';
import {biggestFiles, ignoredSummary, packageToJson} from '../../../src/packaging/describe.js';
import {readPackage, writePackage} from '../../../src/packaging/package.js';
import {Tree} from './tree.js';

const tree = new Tree('cloudctl walk ünïcode-');
const warnings = (): readonly string[] => readPackage(tree.root).warnings;

describe('what is no file', () => {
  test('FIFOs and sockets are left out with a word, and never opened; ignored ones without', async () => {
    tree.write('main.py');
    tree.write('.gitignore', 'ignored.fifo\n');
    execFileSync('mkfifo', [join(tree.root, 'a.fifo'), join(tree.root, 'ignored.fifo')]);
    const server = createServer().listen(join(tree.root, 'a.sock'));
    await once(server, 'listening');
    try {
      expect(tree.paths()).toEqual(['main.py']);
      expect(warnings()).toEqual([
        'a.fifo is not a regular file and was left out.',
        'a.sock is not a regular file and was left out.',
      ]);
    } finally {
      server.close();
    }
  });

  test('a link to a device is left out too', () => {
    tree.write('main.py');
    symlinkSync('/dev/zero', join(tree.root, 'zero'));
    expect(tree.paths()).toEqual(['main.py']);
    expect(warnings()).toEqual(['zero is not a regular file and was left out.']);
  });
});

// Permissions do not bind root: the test becomes somebody else for a moment.
const [become, self] = [process.seteuid?.bind(process), process.geteuid?.()];
const asAnother = become === undefined ? describe.skip : describe;

asAnother('no permission', () => {
  const read = (): void => {
    if (self === 0) become!(65534);
    try {
      readPackage(tree.root);
    } finally {
      become!(self!);
    }
  };

  beforeEach(() => {
    chmodSync(tree.root, 0o755);
    tree.write('main.py');
    tree.write('locked/inside.py');
  });

  test.each([
    ['a file', 'main.py', 'main.py', '/main.py'],
    ['a folder', 'locked', 'locked/', '/locked/'],
  ])('%s: an error that names it, and what to do', (_, locked, named, pattern) => {
    chmodSync(join(tree.root, locked), 0o000);
    expect(read).toThrow(
      expect.objectContaining({
        code: 'FILE_UNREADABLE',
        exitCode: 7,
        message: `${named} cannot be read: no permission.`,
        hints: [expect.stringContaining('chmod'), `Or leave it out: echo '${pattern}' >> .cloudctlignore`],
      }),
    );
    tree.write('.cloudctlignore', `${pattern}\n`);
    expect(read).not.toThrow();
  });

  test('an ignore file: it is not taken for empty', () => {
    tree.write('.gitignore', 'data/\n');
    chmodSync(join(tree.root, '.gitignore'), 0o000);
    expect(read).toThrow(
      expect.objectContaining({code: 'FILE_UNREADABLE', message: expect.stringContaining('.gitignore')}),
    );
  });
});

describe('names', () => {
  test('with spaces, quotes, line ends and letters of any script', () => {
    const names = ['a b.py', "it's.py", 'zwei\nZeilen', 'ключ.py', '数据/模型.py', '😀.py', '__proto__', '-rf'];
    for (const name of names) tree.write(name);
    expect(tree.paths()).toEqual([...names].sort());
    const copy = mkdtempSync(join(tmpdir(), 'cloudctl-copy-'));
    writePackage(readPackage(tree.root), copy);
    expect(readPackage(copy).digest).toBe(readPackage(tree.root).digest);
    rmSync(copy, {recursive: true});
  });

  test('that differ only in case, or in the code points of a letter, are warned about', () => {
    for (const path of ['Utils.py', 'utils.py', 'sub/x.py', 'Sub/y.py', 'caf\u00e9.txt', 'cafe\u0301.txt'])
      tree.write(path);
    // On a file system that takes them for one there is nothing to warn about.
    if (readdirSync(tree.root).length < 6) return;
    expect([...warnings()].sort()).toEqual([
      'Sub and sub differ only in case: macOS and Windows take them for one file.',
      'Utils.py and utils.py differ only in case: macOS and Windows take them for one file.',
      'cafe\u0301.txt and caf\u00e9.txt are the same letters in other code points (NFC and NFD): macOS takes them for one file.',
    ]);
    tree.write('.gitignore', 'utils.py\n/sub/\ncafe*\n');
    expect(warnings()).toEqual([]);
  });

  const bytes = Buffer.from([0x63, 0x61, 0x66, 0xe9]);
  test('that are no UTF-8 are an error; ignored ones are not', () => {
    tree.write('main.py');
    try {
      writeFileSync(Buffer.concat([Buffer.from(`${tree.root}/`), bytes]), '');
    } catch {
      return; // macOS takes no such name.
    }
    expect(() => tree.paths()).toThrow(
      expect.objectContaining({
        code: 'BAD_FILE_NAME',
        exitCode: 2,
        hints: expect.arrayContaining(["Or leave it out: echo '/caf*' >> .cloudctlignore"]),
      }),
    );
    tree.write('.cloudctlignore', '/caf*\n');
    expect(tree.paths()).toEqual(['main.py']);
  });

  test('with the sign for what cannot be read are names as any', () => {
    tree.write('a\uFFFDb.py');
    expect(tree.paths()).toEqual(['a\uFFFDb.py']);
  });
});

describe('what an ignore file cannot do', () => {
  test('a .gitignore that lists what is wanted does not bring tools, caches or the repository in', () => {
    for (const path of ['main.py', '.git/config', '.venv/lib/x.py', 'node_modules/x/y.py', 'pkg/__pycache__/z.py'])
      tree.write(path);
    tree.write('.gitignore', '*\n!*/\n!*.py\n!*\n');
    expect(tree.paths()).toEqual(['main.py']);
  });

  test('.cloudctlignore takes in what tools make, but never a repository', () => {
    for (const path of ['main.py', '.git/config', 'sub/.git', 'node_modules/x.js', 'other.pyc']) tree.write(path);
    tree.write('.cloudctlignore', '!*\n!.git/\n!node_modules/\n');
    expect(tree.paths()).toEqual(['.cloudctlignore', 'main.py', 'node_modules/x.js', 'other.pyc']);
  });

  test.each([
    ['.gitignore', '*\n!src/\n!src/**\n'],
    ['.gitignore', '!.env\n'],
    ['.dockerignore', '*\n!src\n!src/**\n'],
    ['.cloudctlignore', '*\n!src/\n!src/**\n'],
  ])('%s with %j takes no secret in: that needs its name in .cloudctlignore', (file, rules) => {
    tree.write('src/main.py');
    tree.write('src/.env');
    tree.write(file, rules);
    expect(() => tree.paths()).toThrow(
      expect.objectContaining({code: 'SECRET_IN_PACKAGE', data: {files: ['src/.env']}}),
    );
    tree.write('.cloudctlignore', `${file === '.cloudctlignore' ? rules : ''}!/src/.env\n`);
    expect(tree.paths()).toEqual(['src/.env', 'src/main.py']);
  });

  test('a link to a .gitignore says nothing, as in git; nor does a folder of that name', () => {
    for (const path of ['main.py', 'rules', 'sub/.gitignore/x']) tree.write(path);
    writeFileSync(join(tree.root, 'rules'), '*.py\n');
    symlinkSync('rules', join(tree.root, '.gitignore'));
    expect(tree.paths()).toContain('main.py');
    symlinkSync('rules', join(tree.root, '.cloudctlignore'));
    expect(tree.paths()).toEqual(['rules']);
  });
});

test('a notebook of 2 GB is refused before it is read, and can be left out', () => {
  tree.write('main.py');
  tree.write('big.ipynb', '');
  truncateSync(join(tree.root, 'big.ipynb'), 2 * 1000 ** 3);
  expect(() => tree.paths()).toThrow(
    expect.objectContaining({
      code: 'FILE_TOO_LARGE',
      exitCode: 2,
      message: expect.stringContaining('big.ipynb has 1.9 GiB'),
    }),
  );
  tree.write('.cloudctlignore', '*.ipynb\n');
  expect(tree.paths()).toEqual(['main.py']);
  expect(existsSync(join(tree.root, 'big.ipynb'))).toBe(true);
});

test('a file of several pieces is hashed and copied whole', () => {
  const content = Buffer.alloc(2 * 1024 ** 2 + 7, 'abc');
  writeFileSync(join(tree.root, 'big.bin'), content);
  const read = readPackage(tree.root);
  expect(read.hashes).toEqual([createHash('sha256').update(content).digest('hex')]);
  const copy = mkdtempSync(join(tmpdir(), 'cloudctl-copy-'));
  writePackage(read, copy);
  expect(readFileSync(join(copy, 'big.bin')).equals(content)).toBe(true);
  rmSync(copy, {recursive: true});
});

describe('what is said of a package', () => {
  test('the biggest files, and what was left out by which rule', () => {
    for (let i = 0; i < 12; i++) tree.write(`f${i}.py`, 'x'.repeat(i));
    for (const path of ['a.csv', 'b.csv', 'data/x', 'data/y', '.git/HEAD']) tree.write(path);
    tree.write('.gitignore', '*.csv\n/data/\n');
    const content = readPackage(tree.root);
    expect(biggestFiles(content, 2).map(({path}) => path)).toEqual(['f11.py', 'f10.py']);
    expect(ignoredSummary(content)).toEqual([
      '2 by .gitignore: *.csv',
      '.git/ by built-in: .git/',
      'data/ by .gitignore: /data/',
    ]);
    const json = packageToJson(content, {added: ['f1.py'], changed: [], removed: []});
    expect(json).toMatchObject({files: 12, bytes: 66, delta: {added: ['f1.py']}});
    expect(json.biggest).toHaveLength(10);
    expect(packageToJson(content)).not.toHaveProperty('delta');
  });
});
