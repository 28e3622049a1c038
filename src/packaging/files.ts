import {createHash, hash} from 'node:crypto';
import {closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync} from 'node:fs';
import {changedMeanwhile, tooLarge, unreadable} from './problems.js';

/** A single file as large as this is data, not code, and belongs into a volume. */
export const LARGEST_FILE = 1024 ** 3;

/** What changes when a file is written to. Times are in milliseconds, to a quarter of a microsecond. */
export interface Stamp {
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
}

export interface PackagedFile extends Stamp {
  /** Relative to the project, `/` between names. */
  path: string;
  executable: boolean;
}

/** What the system says of a file; undefined where it is gone, or no longer is a file. */
export function examine(root: string, path: string): PackagedFile | undefined {
  let stats: Stats | undefined;
  try {
    stats = statSync(`${root}/${path}`, {throwIfNoEntry: false});
  } catch (error) {
    throw unreadable(path, error);
  }
  return stats === undefined || !stats.isFile() ? undefined : fileOf(path, stats);
}

/** @throws CloudError for one that is too large. */
export function fileOf(path: string, {size, mtimeMs, ctimeMs, ino, mode}: Stamp & {mode: number}): PackagedFile {
  if (size > LARGEST_FILE) throw tooLarge(path, size);
  return {path, size, mtimeMs, ctimeMs, ino, executable: (mode & 0o100) !== 0};
}

export function isSameStamp(a: Stamp, b: Stamp): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino;
}

/** Files up to this size are read at once, larger ones piece by piece. */
export const PIECE = 1024 * 1024;
const buffer = Buffer.allocUnsafeSlow(PIECE + 1);

/** Never waits for a FIFO that took the place of a file. */
export const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * SHA-256 of a file's content, in hexadecimal.
 *
 * @throws CloudError where the file is not what `file` says, or does not stay so.
 */
export function hashFile(root: string, file: PackagedFile): string {
  return withFile(root, file, descriptor => {
    const first = readSync(descriptor, buffer, 0, PIECE + 1, null);
    if (first <= PIECE) return hash('sha256', buffer.subarray(0, first), 'hex');
    const whole = createHash('sha256');
    for (let read = first; read > 0; read = readSync(descriptor, buffer, 0, PIECE + 1, null))
      whole.update(buffer.subarray(0, read));
    return whole.digest('hex');
  });
}

/** The content of a file of at most {@link PIECE} bytes; good until the next call of a function of this module. */
export function readSmallFile(root: string, file: PackagedFile): Buffer {
  return withFile(root, file, descriptor => buffer.subarray(0, readSync(descriptor, buffer, 0, PIECE + 1, null)));
}

function withFile<T>(root: string, file: PackagedFile, work: (descriptor: number) => T): T {
  let descriptor: number;
  try {
    descriptor = openSync(`${root}/${file.path}`, READ);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw changedMeanwhile(file.path);
    throw unreadable(file.path, error);
  }
  try {
    const result = work(descriptor);
    if (!isSameStamp(fstatSync(descriptor), file)) throw changedMeanwhile(file.path);
    return result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw unreadable(file.path, error);
  } finally {
    closeSync(descriptor);
  }
}
