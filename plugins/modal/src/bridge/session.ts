import type {ChildExit, PythonChild} from './child.js';
import {type ChildMessage, checkResult, readMessage} from './messages.js';
import type {ChildError, Method, Params, Progress, Result} from './protocol.js';

/** What a caller hears while a request runs. */
export interface Listeners {
  onProgress?(progress: Progress): void;
  /** A value of a generator. While a returned promise is pending, the child is held back. */
  onItem?(value: unknown): void | Promise<void>;
}

/** Why a request ended without a result. */
export type Failure =
  | {kind: 'reply'; error: ChildError}
  | {kind: 'protocol'; problem: string}
  | {kind: 'consumer'; error: unknown}
  | {kind: 'death'; exit: ChildExit};

/** Carries a {@link Failure} from the session to the bridge, which makes an error for people of it. */
export class RequestFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure.kind);
  }
}

interface Pending {
  method: Method;
  listeners: Listeners;
  resolve(result: unknown): void;
  reject(failure: RequestFailure): void;
  /** Items that the consumer has not yet taken, as one promise. */
  items: Promise<void> | undefined;
}

/** A request on its way. */
export interface Ticket<M extends Method> {
  id: number;
  /** Resolves when the line is written. Never rejects. */
  sent: Promise<void>;
  /** @throws RequestFailure */
  result: Promise<Result<M>>;
}

/** The conversation with one child: matches replies with requests until the child ends. */
export class Session {
  readonly #debug: (message: string) => void;
  readonly #pending = new Map<number, Pending>();
  #child: PythonChild | undefined;
  #lastId = 0;
  #exit: ChildExit | undefined;

  constructor(debug: (message: string) => void) {
    this.#debug = debug;
  }

  /** Takes the child whose lines {@link receive} gets. */
  attach(child: PythonChild): void {
    this.#child = child;
    void child.exited.then(exit => {
      this.#exit = exit;
      for (const id of [...this.#pending.keys()]) this.#fail(id, {kind: 'death', exit});
    });
  }

  get child(): PythonChild | undefined {
    return this.#child;
  }

  get alive(): boolean {
    return this.#exit === undefined && this.#child?.alive === true;
  }

  /** Sends a request. */
  request<M extends Method>(method: M, params: Params<M>, listeners: Listeners): Ticket<M> {
    const id = ++this.#lastId;
    const result = new Promise<Result<M>>((resolve, reject) => {
      this.#pending.set(id, {
        method,
        listeners,
        resolve: resolve as (value: unknown) => void,
        reject,
        items: undefined,
      });
    });
    this.#child?.hold(true);
    // The child's end, not a failed write, tells why a request failed: it knows the exit code and stderr.
    const sent = (this.#child?.send(() => JSON.stringify({id, method, params})) ?? Promise.resolve()).catch(
      () => undefined,
    );
    if (this.#exit !== undefined) this.#fail(id, {kind: 'death', exit: this.#exit});
    return {id, sent, result};
  }

  /** Asks the child to give a request up. The reply still comes. */
  cancel(id: number): void {
    if (!this.#pending.has(id)) return;
    void this.#child?.send(() => JSON.stringify({method: 'cancel', params: {id}})).catch(() => undefined);
  }

  /** Takes a line of the child's. */
  receive(line: string): void {
    const message = readMessage(line);
    switch (message.kind) {
      case 'result':
        this.#result(message.id, message.result);
        break;
      case 'error':
        this.#error(message);
        break;
      case 'progress':
        this.#pending.get(message.id)?.listeners.onProgress?.(message.progress);
        break;
      case 'item':
        this.#item(message.id, message.value);
        break;
      case 'noise':
        this.#debug(`bridge: ignored a line that ${message.problem}: ${line.slice(0, 200)}`);
        // Without its reply the request would wait for its deadline.
        if (message.id !== undefined) this.#fail(message.id, {kind: 'protocol', problem: message.problem});
    }
  }

  #result(id: number, result: Record<string, unknown>): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) {
      this.#debug(`bridge: ignored a reply to request ${id}, which nobody awaits`);
      return;
    }
    const problem = checkResult(pending.method, result);
    if (problem !== undefined) this.#fail(id, {kind: 'protocol', problem: `result ${problem}`});
    else this.#settle(id, () => pending.resolve(result));
  }

  #error(message: ChildMessage & {kind: 'error'}): void {
    if (message.problem !== undefined) this.#debug(`bridge: an error that is not as agreed: ${message.problem}`);
    if (message.id !== null) {
      this.#fail(message.id, {kind: 'reply', error: message.error});
      return;
    }
    // The child could not read one of our lines, and nobody knows which: none can be awaited any longer.
    for (const id of [...this.#pending.keys()]) this.#fail(id, {kind: 'protocol', problem: message.error.message});
  }

  #fail(id: number, failure: Failure): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) this.#settle(id, () => pending.reject(new RequestFailure(failure)));
  }

  /** Ends a request, after the consumer has taken its items. */
  #settle(id: number, end: () => void): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending?.items === undefined) end();
    else void pending.items.then(end);
    if (this.#pending.size === 0) this.#child?.hold(false);
  }

  #item(id: number, value: unknown): void {
    const pending = this.#pending.get(id);
    const onItem = pending?.listeners.onItem;
    if (pending === undefined || onItem === undefined) return;
    const take = async (): Promise<void> => {
      try {
        await onItem(value);
      } catch (error) {
        this.#refuse(id, pending, error);
      }
    };
    const resume = this.#child?.pause();
    const taken = (pending.items ?? Promise.resolve()).then(take).then(() => {
      resume?.();
      if (pending.items === taken) pending.items = undefined;
    });
    pending.items = taken;
  }

  /** The consumer threw: the rest is of no use to it. */
  #refuse(id: number, pending: Pending, error: unknown): void {
    this.cancel(id);
    this.#pending.delete(id);
    pending.reject(new RequestFailure({kind: 'consumer', error}));
    if (this.#pending.size === 0) this.#child?.hold(false);
  }
}
