import {pause} from './wait.js';

/** A lock whose holder has not touched it for this long is free: the holder was killed. */
const STALE_MS = 15_000;
const POLL_MS = 200;

export interface LockOptions<T> {
  /** Absolute path of the lock, made and removed with it. Its directory exists. */
  file: string;
  signal?: AbortSignal | undefined;
  debug?: ((message: string) => void) | undefined;
  /** Called once, when another process has the lock. */
  onWait?(): void;
  /** Looked at again and again while waiting: something makes the lock needless. */
  settled?(): Promise<T | undefined>;
}

/**
 * Does work that only one process at a time may do, or takes what another has done in the meantime.
 *
 * @throws the signal's reason while waiting, and whatever the work throws.
 */
export async function alone<T>(options: LockOptions<T>, work: () => Promise<T>): Promise<T> {
  const {lock} = await import('proper-lockfile');
  for (let waited = false; ; waited = true) {
    let release: () => Promise<void>;
    try {
      release = await lock(options.file, {
        lockfilePath: options.file,
        realpath: false,
        stale: STALE_MS,
        update: STALE_MS / 3,
        onCompromised: error => options.debug?.(`lock: lost ${options.file}: ${error.message}`),
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      if (!waited) options.onWait?.();
      await pause(POLL_MS, options.signal);
      const done = await options.settled?.();
      if (done !== undefined) return done;
      continue;
    }
    try {
      return (await options.settled?.()) ?? (await work());
    } finally {
      await release().catch(() => undefined);
    }
  }
}
