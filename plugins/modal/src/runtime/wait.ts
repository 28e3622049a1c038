import {interruptedError, isCloudError} from '@cloudctl/provider-sdk';

/** Why a signal was aborted, as an error: its own reason where that is one of ours. */
export function abortReason(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return isCloudError(reason) ? reason : interruptedError();
}

/** Throws when the signal is aborted. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortReason(signal);
}

/** Waits for work, or for one of the signals, whichever is first. The work itself goes on. */
export function abortable<T>(work: Promise<T>, signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  const live = signals.filter(signal => signal !== undefined);
  const aborted = live.find(signal => signal.aborted);
  if (aborted !== undefined) {
    work.catch(() => undefined);
    return Promise.reject(abortReason(aborted));
  }
  return new Promise((resolve, reject) => {
    const onAbort = (event: Event): void => {
      clean();
      reject(abortReason(event.target as AbortSignal));
    };
    const clean = (): void => {
      for (const signal of live) signal.removeEventListener('abort', onAbort);
    };
    for (const signal of live) signal.addEventListener('abort', onAbort, {once: true});
    work.then(resolve, reject).finally(clean);
  });
}

/** Waits a while, or less when the signal is aborted: then rejects. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(abortReason(signal!));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, {once: true});
  });
}
