import {setTimeout as sleep} from 'node:timers/promises';
import {credentialsError} from '@cloudctl/provider-sdk';

/** Milliseconds; many processes may write in turn, each deriving a key. */
const WAIT_MS = 60_000;
const POLL_MS = 40;
/** A holder that has not touched its lock for so long was killed. */
const STALE_MS = 5000;

/** Runs `work` while no other process changes `file`. The folder exists. */
export async function whileLocked<T>(file: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const {lock} = await import('proper-lockfile');
  const until = Date.now() + WAIT_MS;
  for (;;) {
    signal.throwIfAborted();
    let release: () => Promise<void>;
    try {
      release = await lock(file, {
        realpath: false,
        stale: STALE_MS,
        update: STALE_MS / 4,
        onCompromised: () => undefined,
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      if (Date.now() > until) throw stillLocked(file);
      // Uneven, so that many who wait do not all come at once.
      await sleep(POLL_MS * (0.5 + Math.random()), undefined, {signal});
      continue;
    }
    try {
      return await work();
    } finally {
      // Taken over by another after a long sleep of the machine: then it is theirs to release.
      await release().catch(() => undefined);
    }
  }
}

function stillLocked(file: string): Error {
  return credentialsError('SECRETS_LOCKED', `Another cloudctl has been changing ${file} for a minute.`, {
    hints: ['Run the same command again when it has ended.'],
  });
}
