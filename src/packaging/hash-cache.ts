import {createHash} from 'node:crypto';
import {mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {crc32} from 'node:zlib';
import type {PackagedFile, Stamp} from './files.js';
import {isSameStamp} from './files.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Caches that were not used for this long are removed. */
const UNUSED_MS = 30 * DAY_MS;
const MOST_CACHES = 64;

/**
 * A file that was written to this shortly before it was read may be written to again without getting another time:
 * clocks of file systems go in steps, of up to 2 seconds on FAT. Such a file is not remembered. (git: "racily clean".)
 */
const RACY_MS = 2000;

/** `CCTLHSH1`: bytes in the order of this machine. */
const MAGIC = 0x31_48_53_48_4c_54_43_43n;
const HEADER_BYTES = 16;
const HASH_BYTES = 32;
const COLUMNS = 4;

/** What the hashes of a project's files were, each with the stamp that the file had. Never an error: at worst, of no use. */
export class HashCache {
  readonly #openedAt = Date.now();
  #cursor = 0;
  #hits = 0;
  #byPath: Map<string, number> | undefined;

  private constructor(
    private readonly file: string,
    private readonly remembered: Remembered,
  ) {}

  /** The cache of the project in `root`; empty where there is none or it is damaged. */
  static open(directory: string, root: string): HashCache {
    const name = createHash('sha256').update(root).digest('hex').slice(0, 32);
    const file = join(directory, 'packages', `${name}.hashes`);
    try {
      const remembered = parse(readFileSync(file));
      const now = Date.now();
      if (now - statSync(file).mtimeMs > DAY_MS) utimesSync(file, new Date(now), new Date(now));
      return new HashCache(file, remembered ?? NOTHING);
    } catch {
      return new HashCache(file, NOTHING);
    }
  }

  /** The files that are known. */
  get paths(): readonly string[] {
    return this.remembered.paths;
  }

  /** The hash of a file, if it is known and nothing happened to the file since. Quickest in the order of the last time. */
  find(file: PackagedFile): string | undefined {
    const {paths, hashes, columns} = this.remembered;
    let index = this.#cursor;
    if (paths[index] !== file.path) {
      this.#byPath ??= new Map(paths.map((path, i) => [path, i]));
      const found = this.#byPath.get(file.path);
      if (found === undefined) return undefined;
      index = found;
    }
    this.#cursor = index + 1;
    const at = index * COLUMNS;
    const stamp: Stamp = {
      size: columns[at]!,
      mtimeMs: columns[at + 1]!,
      ctimeMs: columns[at + 2]!,
      ino: columns[at + 3]!,
    };
    if (!isSameStamp(stamp, file)) return undefined;
    this.#hits += 1;
    return hashes.slice(index * 2 * HASH_BYTES, (index + 1) * 2 * HASH_BYTES);
  }

  /** Remembers what was just read, unless that is known already. */
  save({files, hashes}: {files: readonly PackagedFile[]; hashes: readonly string[]}): void {
    const before = this.#openedAt - RACY_MS;
    const settled: number[] = [];
    files.forEach(({mtimeMs, ctimeMs}, i) => {
      if (Math.max(mtimeMs, ctimeMs) < before) settled.push(i);
    });
    if (settled.length === this.#hits && this.#hits === this.remembered.paths.length) return;
    const temporary = `${this.file}.${process.pid}.new`;
    try {
      mkdirSync(join(this.file, '..'), {recursive: true, mode: 0o700});
      this.#prune();
      const bytes = format(
        settled.map(i => files[i]!),
        settled.map(i => hashes[i]!),
      );
      writeFileSync(temporary, bytes, {mode: 0o600});
      renameSync(temporary, this.file);
    } catch {
      rmSync(temporary, {force: true});
    }
  }

  #prune(): void {
    const folder = join(this.file, '..');
    const now = Date.now();
    const others = readdirSync(folder)
      .map(name => join(folder, name))
      .filter(path => path !== this.file)
      .map(path => ({path, age: now - (statSync(path, {throwIfNoEntry: false})?.mtimeMs ?? now)}))
      .sort((a, b) => a.age - b.age);
    others.forEach(({path, age}, i) => {
      if (age > (path.endsWith('.new') ? DAY_MS : UNUSED_MS) || i >= MOST_CACHES) rmSync(path, {force: true});
    });
  }
}

interface Remembered {
  paths: readonly string[];
  /** Hexadecimal, one after the other. */
  hashes: string;
  /** Size, mtime, ctime and inode of each file. */
  columns: Float64Array;
}

const NOTHING: Remembered = {paths: [], hashes: '', columns: new Float64Array()};

/** Magic, checksum of the rest, number of files; then stamps, hashes and paths. */
function format(files: readonly PackagedFile[], hashes: readonly string[]): Buffer {
  const columns = new Float64Array(files.length * COLUMNS);
  files.forEach(({size, mtimeMs, ctimeMs, ino}, i) => {
    columns.set([size, mtimeMs, ctimeMs, ino], i * COLUMNS);
  });
  const header = Buffer.alloc(HEADER_BYTES);
  const bytes = Buffer.concat([
    header,
    Buffer.from(columns.buffer),
    Buffer.from(hashes.join(''), 'hex'),
    Buffer.from(files.map(({path}) => path).join('\0')),
  ]);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setBigUint64(0, MAGIC, true);
  view.setUint32(12, files.length, true);
  view.setUint32(8, crc32(bytes.subarray(12)), true);
  return bytes;
}

function parse(bytes: Buffer): Remembered | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (view.getBigUint64(0, true) !== MAGIC || view.getUint32(8, true) !== crc32(bytes.subarray(12))) return undefined;
  const count = view.getUint32(12, true);
  const stampsEnd = HEADER_BYTES + count * COLUMNS * Float64Array.BYTES_PER_ELEMENT;
  const hashesEnd = stampsEnd + count * HASH_BYTES;
  if (hashesEnd > bytes.length) return undefined;
  const paths = count === 0 ? [] : bytes.toString('utf8', hashesEnd).split('\0');
  if (paths.length !== count) return undefined;
  const start = bytes.byteOffset + HEADER_BYTES;
  return {
    paths,
    hashes: bytes.toString('hex', stampsEnd, hashesEnd),
    columns: new Float64Array(bytes.buffer.slice(start, bytes.byteOffset + stampsEnd)),
  };
}
