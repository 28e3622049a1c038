import {type FileHandle, open, rename, stat} from 'node:fs/promises';
import {join} from 'node:path';

/** The log is begun anew beyond this; the one before it is kept. */
const LARGEST = 5 * 1024 * 1024;

/** What an error shows of the log, in bytes. */
const TAIL = 4000;

/** Where the server's log is. */
export function logFile(state: string): string {
  return join(state, 'server.log');
}

/** The server's log, open for appending. */
export async function openLog(state: string): Promise<FileHandle> {
  const file = logFile(state);
  if ((await sizeOf(file)) > LARGEST) await rename(file, `${file}.1`).catch(() => undefined);
  return open(file, 'a', 0o600);
}

/** Bytes of a file; 0 where there is none. */
export async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}

/** The end of what was written to the log since `begin`; of equal lines in a row, one. */
export async function logTail(file: string, begin: number): Promise<string> {
  const size = await sizeOf(file);
  const from = Math.max(begin, size - TAIL);
  if (size <= from) return '';
  const handle = await open(file, 'r');
  try {
    const {buffer, bytesRead} = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    const lines = buffer.subarray(0, bytesRead).toString('utf8').trim().split('\n');
    return lines.filter((line, index) => line !== lines[index - 1]).join('\n');
  } finally {
    await handle.close();
  }
}
