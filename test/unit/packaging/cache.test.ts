import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {availableParallelism, tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterEach, beforeEach, describe, expect, jest, test} from '@jest/globals';
import fc from 'fast-check';
import {readPackage} from '../../../src/packaging/package.js';
import {Lookahead} from '../../../src/packaging/threads.js';

const MEGABYTE = 1024 ** 2;

let home: string;
let root: string;
let cacheDirectory: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cloudctl-cache-'));
  root = join(home, 'project');
  cacheDirectory = join(home, 'cache');
  mkdirSync(root);
  writeFileSync(join(root, 'main.py'), 'x = 1\n');
  writeFileSync(join(root, 'data.bin'), Buffer.alloc(4 * MEGABYTE, 1));
  // A time that can be put back to the nanosecond.
  for (const name of ['main.py', 'data.bin']) utimesSync(join(root, name), 1_000_000_000, 1_000_000_000);
});

afterEach(() => {
  jest.restoreAllMocks();
  rmSync(home, {recursive: true, force: true});
});

/** The files have been at rest for a while. */
function later(): void {
  const now = Date.now.bind(Date);
  jest.spyOn(Date, 'now').mockImplementation(() => now() + 10_000);
}

const caches = (): string[] =>
  readdirSync(join(cacheDirectory, 'packages')).map(name => join(cacheDirectory, 'packages', name));

/** Bytes that this process has asked the system for, as Linux counts them. */
function bytesRead(): number {
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))![1]);
}

function readAndCount(): {digest: string; bytes: number} {
  const before = bytesRead();
  const {digest} = readPackage(root, {cacheDirectory});
  return {digest, bytes: bytesRead() - before};
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('what is read', () => {
  test('nothing of a tree that did not change since', () => {
    later();
    const {digest} = readPackage(root);
    const cold = readAndCount();
    expect(cold.digest).toBe(digest);
    expect(cold.bytes).toBeGreaterThan(4 * MEGABYTE);
    const warm = readAndCount();
    expect(warm.digest).toBe(digest);
    expect(warm.bytes).toBeLessThan(MEGABYTE);
  });

  test('a file that was written to just before is read again: it may change without another time stamp', () => {
    readAndCount();
    expect(readAndCount().bytes).toBeGreaterThan(4 * MEGABYTE);
  });
});

describe('what is noticed', () => {
  const warm = (): string => readPackage(root, {cacheDirectory}).digest;
  const cold = (): string => readPackage(root).digest;

  test.each<[string, () => void]>([
    [
      'another content of the same size, with the time put back',
      () => {
        writeFileSync(join(root, 'main.py'), 'x = 2\n');
        utimesSync(join(root, 'main.py'), 1_000_000_000, 1_000_000_000);
      },
    ],
    ['an executable bit', () => chmodSync(join(root, 'main.py'), 0o755)],
    ['a file more', () => writeFileSync(join(root, 'a.py'), '')],
    ['a file less', () => rmSync(join(root, 'data.bin'))],
    ['a rule', () => writeFileSync(join(root, '.gitignore'), 'data.bin\n')],
  ])('%s', async (_, change) => {
    later();
    const before = warm();
    await sleep(20); // Time stamps go in steps of a few milliseconds.
    change();
    expect(warm()).not.toBe(before);
    expect(warm()).toBe(cold());
    expect(warm()).toBe(cold());
  });
});

describe('a cache that is no good is as none', () => {
  test('damaged at random', () => {
    later();
    const {digest} = readPackage(root, {cacheDirectory});
    const [file] = caches();
    const good = readFileSync(file!);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({min: 1, max: 255}), fc.boolean(), (at, bits, cut) => {
        const bad = Buffer.from(good);
        bad[at]! ^= bits;
        writeFileSync(file!, cut ? good.subarray(0, at) : bad);
        expect(readPackage(root, {cacheDirectory}).digest).toBe(digest);
        expect(readFileSync(file!)).toEqual(good);
      }),
      {numRuns: 100},
    );
  });

  test('of another project', () => {
    later();
    const {digest} = readPackage(root, {cacheDirectory});
    const [own] = caches();
    const other = join(home, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'main.py'), 'y = 2\n');
    readPackage(other, {cacheDirectory});
    copyFileSync(caches().find(file => file !== own)!, own!);
    expect(readPackage(root, {cacheDirectory}).digest).toBe(digest);
  });

  test('in a place that cannot be written to', () => {
    const {digest} = readPackage(root);
    writeFileSync(cacheDirectory, 'a file');
    expect(readPackage(root, {cacheDirectory}).digest).toBe(digest);
    rmSync(cacheDirectory);
    later();
    readPackage(root, {cacheDirectory});
    const [file] = caches();
    rmSync(file!);
    mkdirSync(file!);
    expect(readPackage(root, {cacheDirectory}).digest).toBe(digest);
    expect(caches()).toEqual([file]);
  });
});

test('caches that were not used for a month go, and what an interrupted one left behind', () => {
  later();
  readPackage(root, {cacheDirectory});
  const [own] = caches();
  const month = Date.now() / 1000 - 31 * 24 * 3600;
  for (const name of ['old.hashes', 'left.hashes.1.new', 'young.hashes']) {
    const file = join(cacheDirectory, 'packages', name);
    writeFileSync(file, '');
    if (name !== 'young.hashes') utimesSync(file, month, month);
  }
  writeFileSync(join(root, 'main.py'), 'x = 3\n');
  readPackage(root, {cacheDirectory});
  expect(caches().sort()).toEqual([own, join(cacheDirectory, 'packages', 'young.hashes')].sort());
});

describe('threads', () => {
  const count = 4100;

  beforeEach(() => {
    for (let i = 0; i < count; i++) writeFileSync(join(root, `file${i}.py`), `value = ${i}\n`);
  });

  (availableParallelism() > 1 ? test : test.skip)('find out by themselves what the caller would', async () => {
    const {files, hashes} = readPackage(root);
    const ahead = Lookahead.start(
      root,
      files.map(({path}) => path),
      true,
    )!;
    while (ahead.taken < files.length) await sleep(10);
    await sleep(100); // For the last ones that were taken.
    ahead.help();
    const found = files.map(({path}) => ahead.find(path));
    files.forEach((file, i) => {
      // A large one is left to the caller.
      expect(found[i]).toEqual(file.path === 'data.bin' ? {file} : {file, hash: hashes[i]});
    });
    expect(ahead.find('nowhere')).toBeUndefined();
  });

  test('change nothing about the result, whatever happened to the files since', async () => {
    later();
    const before = readPackage(root, {cacheDirectory});
    await sleep(20);
    rmSync(join(root, 'file7.py'));
    writeFileSync(join(root, 'file9.py'), 'value = 0\n');
    writeFileSync(join(root, 'file10a.py'), 'new\n');
    const after = readPackage(root, {cacheDirectory});
    expect(after.files).toHaveLength(before.files.length);
    expect(after.digest).toBe(readPackage(root).digest);
    expect(after.digest).not.toBe(before.digest);
    rmSync(join(root, 'file8.py'));
    mkdirSync(join(root, 'file8.py'));
    truncateSync(join(root, 'file11.py'), 1024 ** 3 + 1);
    expect(() => readPackage(root, {cacheDirectory})).toThrow(expect.objectContaining({code: 'FILE_TOO_LARGE'}));
  });
});
