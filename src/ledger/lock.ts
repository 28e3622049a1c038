import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {hostname} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {environmentError, type ProgressSink} from '@cloudctl/provider-sdk';

const WAIT_MS = 60_000;
const POLL_MS = 250;
/** A holder that has not touched its lock for so long is dead. */
const STALE_MS = 10_000;
/** The same of a holder whose process is gone: no need to wait for it longer than the library lets us. */
const ORPHANED_MS = 2_000;

export interface LockOptions {
  /** What is locked, for people: `app ai-app`. */
  title: string;
  signal: AbortSignal;
  report: ProgressSink;
  /** Longest time to wait for one and the same holder, in milliseconds. */
  waitMs?: number;
}

/** What the work is told of its lock. */
export interface HeldLock {
  /** It was somebody else's before: look again at what you knew. */
  waited: boolean;
  /** Aborted when the process stood still (a closed lid, Ctrl-Z) and the lock went to somebody else. */
  lost: AbortSignal;
}

/**
 * Runs `work` while no other process holds the lock of that name.
 *
 * @returns what `work` returns.
 * @throws CloudError that names the holder when it does not let go in time.
 */
export async function withLock<T>(
  directory: string,
  name: string,
  options: LockOptions,
  work: (held: HeldLock) => Promise<T>,
): Promise<T> {
  await mkdir(directory, {recursive: true, mode: 0o700});
  const {default: lockfile} = await import('proper-lockfile');
  const path = join(directory, encodeURIComponent(name));
  const holderFile = `${path}.holder`;
  const patience = options.waitMs ?? WAIT_MS;
  let deadline = Date.now() + patience;
  let waitedFor: string | undefined;
  let waited = false;
  const lost = new AbortController();
  const onCompromised = (): void => lost.abort(lockLost(options.title));
  let release: (() => Promise<void>) | undefined;
  while (release === undefined) {
    options.signal.throwIfAborted();
    try {
      release = await lockfile.lock(path, {realpath: false, stale: STALE_MS, update: STALE_MS / 4, onCompromised});
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      const holder = await readFile(holderFile, 'utf8').catch(() => 'another process');
      if (isGone(holder) && (await freeOrphan(path, holderFile))) continue;
      // A queue that moves is no reason to give up.
      if (waitedFor !== undefined && holder !== waitedFor) deadline = Date.now() + patience;
      waitedFor = holder;
      if (Date.now() > deadline) throw stillLocked(options.title, holder);
      options.report({
        kind: 'stage',
        id: 'lock',
        title: `Waiting for the ${options.title}`,
        detail: `held by ${holder}`,
        state: 'running',
      });
      waited = true;
      await sleep(POLL_MS, undefined, {signal: options.signal});
    }
  }
  if (waited) options.report({kind: 'stage', id: 'lock', title: `Waiting for the ${options.title}`, state: 'done'});
  try {
    await writeFile(holderFile, `process ${process.pid} on ${hostname()} since ${new Date().toISOString()}`);
    return await work({waited, lost: lost.signal});
  } finally {
    // Once lost, lock and file are somebody else's.
    if (!lost.signal.aborted) {
      await rm(holderFile, {force: true});
      await release().catch(() => undefined);
    }
  }
}

/**
 * Frees the lock of a process that has ended. It is taken as any stale lock is, and let go at once: to hold it for
 * longer, it needs the patience of every other holder.
 */
async function freeOrphan(path: string, holderFile: string): Promise<boolean> {
  const {default: lockfile} = await import('proper-lockfile');
  try {
    const release = await lockfile.lock(path, {realpath: false, stale: ORPHANED_MS, onCompromised: () => undefined});
    await rm(holderFile, {force: true});
    await release();
    return true;
  } catch {
    return false;
  }
}

/** Whether the holder was a process of this machine that has ended; of others nobody knows here. */
function isGone(holder: string): boolean {
  const [, pid, host] = /^process (\d+) on (.+) since /.exec(holder) ?? [];
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function lockLost(title: string): Error {
  return environmentError(
    'LOCK_LOST',
    `This process stood still for so long that another one may have taken the ${title}; the ledger was not written.`,
    {hints: ['Run the same command again.']},
  );
}

function stillLocked(title: string, holder: string): Error {
  return environmentError('LOCKED', `Another deploy is working on the ${title} (${holder}).`, {
    hints: ['Run the same command again when it has ended.'],
  });
}
