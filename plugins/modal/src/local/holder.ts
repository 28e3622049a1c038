import {execFile} from 'node:child_process';
import {readFile, readlink, realpath} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {promisify} from 'node:util';
import {isAlive} from './state.js';

/** What the lock file says of the process that has the state directory. It stays when that process ends. */
export async function lockedBy(state: string): Promise<number | undefined> {
  const text = await readFile(join(state, 'server.lock'), 'utf8').catch(() => '');
  const pid = Number(text.trim());
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}

/** The server that has the state directory, also where its server file is missing or damaged. */
export async function lockHolder(state: string): Promise<number | undefined> {
  const pid = await lockedBy(state);
  return pid !== undefined && (await isServerOf(state, pid)) ? pid : undefined;
}

/** Whether a process is a server of this state directory: ids come round again. */
export async function isServerOf(state: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  try {
    return await (process.platform === 'linux' ? tellsProc(state, pid) : tellsPs(state, pid));
  } catch {
    return false;
  }
}

async function tellsProc(state: string, pid: number): Promise<boolean> {
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  const named = words[words.indexOf('--state') + 1];
  if (!words.some(word => word.includes('modal_local')) || !words.includes('--state') || named === undefined)
    return false;
  const theirs = resolve(await readlink(`/proc/${pid}/cwd`), named);
  return (await real(theirs)) === (await real(state));
}

async function tellsPs(state: string, pid: number): Promise<boolean> {
  const {stdout} = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
  return stdout.includes('modal_local') && `${stdout.trim()} `.includes(` --state ${state} `);
}

function real(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
