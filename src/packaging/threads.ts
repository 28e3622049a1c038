import crypto from 'node:crypto';
import fs from 'node:fs';
import {availableParallelism} from 'node:os';
import {Worker} from 'node:worker_threads';
import {fileOf, type PackagedFile, PIECE, READ} from './files.js';

/** For fewer files a thread takes longer to start than it saves. */
const FEW = 4000;
const MOST_THREADS = 4;
const COLUMNS = 5;
const HASH_BYTES = 32;

interface Job {
  root: string;
  /** With a NUL between them. */
  paths: string;
  /** Whether contents are wanted too. */
  hashing: boolean;
  piece: number;
  flags: number;
  /** The next file that nobody has taken. */
  next: Int32Array;
  /** 0: nothing is known, 1: the stats, 2: the stats and the hash. */
  states: Int32Array;
  /** Size, mtime, ctime, inode and mode of each file. */
  stats: Float64Array;
  hashes: Uint8Array;
}

/**
 * Looks at files in several threads, and reads them where that is wanted.
 *
 * Threads only ever help: what none of them has found out, because it is a problem, is large, or is still on its way, is
 * left to the caller. So nobody waits for a thread.
 */
export class Lookahead {
  #cursor = 0;
  #byPath: Map<string, number> | undefined;
  /** The states as they were when `help` ended: what comes later is not looked at. */
  #states: Int32Array | undefined;
  /** Hexadecimal, one after the other. */
  #hashes = '';

  private constructor(
    private readonly paths: readonly string[],
    private readonly job: Job,
  ) {}

  /** Starts threads; undefined where they would not pay. */
  static start(root: string, paths: readonly string[], hashing: boolean): Lookahead | undefined {
    const threads = Math.min(availableParallelism(), MOST_THREADS) - 1;
    if (paths.length < FEW || threads < 1) return undefined;
    const count = paths.length;
    const job: Job = {
      root,
      paths: paths.join('\0'),
      hashing,
      piece: PIECE,
      flags: READ,
      next: new Int32Array(new SharedArrayBuffer(4)),
      states: new Int32Array(new SharedArrayBuffer(4 * count)),
      stats: new Float64Array(new SharedArrayBuffer(8 * COLUMNS * count)),
      hashes: new Uint8Array(new SharedArrayBuffer(hashing ? HASH_BYTES * count : 0)),
    };
    for (let i = 0; i < threads; i++) {
      const worker = new Worker(
        `(${lookAt.toString()})(require('node:fs'), require('node:crypto'), require('node:worker_threads').workerData)`,
        {eval: true, workerData: job, env: {}, execArgv: []},
      );
      // A thread that cannot start or breaks down helps less; that is all.
      worker.on('error', () => undefined);
      worker.unref();
    }
    return new Lookahead(paths, job);
  }

  /** How many files somebody has taken. */
  get taken(): number {
    return Math.min(Atomics.load(this.job.next, 0), this.paths.length);
  }

  /** Takes part until every file is taken by somebody. */
  help(): void {
    lookAt(fs, crypto, this.job, this.paths);
    // In this order: what a state promises was written before it.
    this.#states = this.job.states.map((_, i, states) => Atomics.load(states, i));
    this.#hashes = Buffer.from(this.job.hashes.buffer).toString('hex');
  }

  /** What was found out about a file, if anything; quickest in the order of the paths. */
  find(path: string): {file: PackagedFile; hash?: string} | undefined {
    const {stats} = this.job;
    let index = this.#cursor;
    if (this.paths[index] !== path) {
      this.#byPath ??= new Map(this.paths.map((other, i) => [other, i]));
      index = this.#byPath.get(path) ?? -1;
      if (index < 0) return undefined;
    }
    this.#cursor = index + 1;
    const state = this.#states?.[index] ?? 0;
    if (state === 0) return undefined;
    const at = index * COLUMNS;
    const file = fileOf(path, {
      size: stats[at]!,
      mtimeMs: stats[at + 1]!,
      ctimeMs: stats[at + 2]!,
      ino: stats[at + 3]!,
      mode: stats[at + 4]!,
    });
    if (state === 1) return {file};
    return {file, hash: this.#hashes.slice(index * 2 * HASH_BYTES, (index + 1) * 2 * HASH_BYTES)};
  }
}

/** What a thread does. Its text is sent there: it can use nothing but its arguments. */
function lookAt(
  fs: typeof import('node:fs'),
  crypto: typeof import('node:crypto'),
  job: Job,
  paths: readonly string[] = job.paths.split('\0'),
): void {
  const {root, hashing, piece, flags, next, states, stats, hashes} = job;
  const buffer = hashing ? Buffer.allocUnsafeSlow(piece + 1) : undefined;
  const columns = 5;
  const share = 64;
  const one = (index: number): void => {
    const path = `${root}/${paths[index]}`;
    const found = fs.statSync(path, {throwIfNoEntry: false});
    if (found === undefined || !found.isFile()) return;
    const at = index * columns;
    stats[at] = found.size;
    stats[at + 1] = found.mtimeMs;
    stats[at + 2] = found.ctimeMs;
    stats[at + 3] = found.ino;
    stats[at + 4] = found.mode;
    let state = 1;
    if (buffer !== undefined && found.size <= piece) {
      const descriptor = fs.openSync(path, flags);
      try {
        const length = fs.readSync(descriptor, buffer, 0, piece + 1, null);
        const after = fs.fstatSync(descriptor);
        const isSame =
          length === found.size &&
          after.size === found.size &&
          after.mtimeMs === found.mtimeMs &&
          after.ctimeMs === found.ctimeMs &&
          after.ino === found.ino;
        if (isSame) {
          hashes.set(crypto.hash('sha256', buffer.subarray(0, length), 'buffer'), index * 32);
          state = 2;
        }
      } finally {
        fs.closeSync(descriptor);
      }
    }
    Atomics.store(states, index, state);
  };
  for (let begin = Atomics.add(next, 0, share); begin < paths.length; begin = Atomics.add(next, 0, share)) {
    for (let index = begin; index < Math.min(begin + share, paths.length); index++) {
      try {
        one(index);
      } catch {
        // The caller meets the same, and says what it is.
      }
    }
  }
}
