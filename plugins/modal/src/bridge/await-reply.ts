import {abortReason} from '../runtime/wait.js';
import type {PythonChild} from './child.js';
import type {Method, Result} from './protocol.js';
import type {Session, Ticket} from './session.js';

export interface Patience {
  /** Milliseconds until the request is given up. */
  deadline: number;
  /** The error of a request that is given up. */
  late(milliseconds: number): Error;
  /** Milliseconds that the child has to answer to a cancellation. */
  grace: number;
  signal: AbortSignal | undefined;
  /** Takes the function that ends this request, as long as it runs. */
  running: Set<(error: Error) => void>;
  debug(message: string): void;
}

/**
 * Waits for a reply; past the deadline or an abort, cancels, and kills a child that does not answer to that.
 *
 * A result that comes in spite of the cancellation counts: what it tells has happened.
 */
export function awaitReply<M extends Method>(
  ticket: Ticket<M>,
  line: {readonly session: Session; readonly child: PythonChild},
  {deadline, late, grace, signal, running, debug}: Patience,
): Promise<Result<M>> {
  return new Promise((resolve, reject) => {
    let ending: Error | undefined;
    let killing: NodeJS.Timeout | undefined;
    const end = (error: Error): void => {
      if (ending !== undefined) return;
      ending = error;
      line.session.cancel(ticket.id);
      killing = setTimeout(() => {
        debug(`bridge: request ${ticket.id} did not end in time; killing the child`);
        line.child.kill('SIGKILL');
      }, grace);
    };
    const onAbort = (): void => end(abortReason(signal!));
    const timer = setTimeout(() => end(late(deadline)), deadline);
    running.add(end);
    signal?.addEventListener('abort', onAbort, {once: true});
    const clean = (): void => {
      clearTimeout(timer);
      clearTimeout(killing);
      running.delete(end);
      signal?.removeEventListener('abort', onAbort);
    };
    ticket.result.then(
      result => {
        clean();
        resolve(result);
      },
      error => {
        clean();
        reject(ending ?? error);
      },
    );
  });
}
