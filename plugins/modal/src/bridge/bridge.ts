import {setMaxListeners} from 'node:events';
import {join} from 'node:path';
import {type CloudError, environmentError, isCloudError} from '@cloudctl/provider-sdk';
import {absentConfigPath, childEnvironment, type Environment} from '../runtime/environment.js';
import {packageRoot} from '../runtime/package-root.js';
import {Redactor} from '../runtime/redact.js';
import type {PythonRuntime} from '../runtime/runtime.js';
import {abortable, checkAborted} from '../runtime/wait.js';
import {awaitReply} from './await-reply.js';
import {PythonChild} from './child.js';
import {
  closedError,
  deadlineError,
  deathError,
  missingSdkError,
  PROVIDER,
  protocolError,
  replyError,
  type Subject,
  versionError,
} from './errors.js';
import {METHODS, type Method, type Params, PROTOCOL_VERSION, type Result} from './protocol.js';
import {type Listeners, RequestFailure, Session} from './session.js';

/** What the child needs to reach Modal. */
export interface Connection {
  /** Variables for the child alone: tokens, `MODAL_SERVER_URL`, `MODAL_ENVIRONMENT`. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface BridgeOptions {
  /** Asked once for each child. */
  runtime: () => Promise<PythonRuntime>;
  /** Asked at the first request that needs Modal, or by {@link Bridge.connect}; once, as long as it succeeds. */
  connection: () => Promise<Connection>;
  client: {readonly name: string; readonly version: string};
  /** For commands in hints. Default: `cloud`. */
  target?: string;
  /** The user's environment, of which the child gets a part. Default: that of this process. */
  environment?: Environment;
  debug?: ((message: string) => void) | undefined;
  /** Absolute path of the child's script. Default: the plugin's. */
  script?: string;
  /** Milliseconds that a cancelled or late request has before the child is killed. */
  grace?: number;
}

export interface RequestOptions extends Listeners {
  signal?: AbortSignal | undefined;
  /** Milliseconds; the method's own where absent. */
  deadline?: number | undefined;
}

const GRACE_MS = 2000;

/** A child, the conversation with it, and what it said of itself. */
interface Line {
  session: Session;
  child: PythonChild;
  runtime: PythonRuntime;
  hello: Promise<Result<'hello'>>;
  connected: Promise<void> | undefined;
  /** The connection was handed over. */
  joined: boolean;
}

/** A failed attempt, with what is needed to decide about another. */
class Attempt extends Error {
  constructor(
    readonly error: CloudError,
    readonly died: boolean,
    readonly sent: boolean,
  ) {
    super(error.message);
  }
}

/**
 * The one way to Modal: typed requests to a Python child that lives as long as the CLI.
 *
 * Every method rejects with a CloudError: the child's refusal, a deadline, an abort, or the child's end. Requests run
 * concurrently. The child is started by the first of them, or by {@link start}.
 */
export class Bridge {
  readonly #options: BridgeOptions;
  readonly #environment: Environment;
  readonly #debug: (message: string) => void;
  readonly #grace: number;
  readonly #redactor = new Redactor();
  readonly #ending = new AbortController();
  readonly #children = new Set<PythonChild>();
  #spawning: Promise<unknown> = Promise.resolve();
  /** How to end each running request. */
  readonly #running = new Set<(error: Error) => void>();
  #line: Promise<Line> | undefined;
  /** The line that has greeted. */
  #ready: Line | undefined;
  #connection: Promise<Connection> | undefined;
  #closing: Promise<void> | undefined;
  #warm = false;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#environment = options.environment ?? process.env;
    // One listener for each running request.
    setMaxListeners(0, this.#ending.signal);
    this.#debug = message => options.debug?.(this.#redactor.text(message));
    this.#grace = options.grace ?? GRACE_MS;
  }

  /**
   * Starts the child ahead of the first request. Never throws; a failure shows at the request.
   *
   * @param warm whether the child is to import the SDK right away; see {@link warm}.
   */
  start(warm = true): void {
    this.#warm = warm;
    if (this.#closing === undefined) this.#current().catch(() => undefined);
  }

  /** Asks for the connection ahead of the first request that needs it. Never throws. */
  connect(): void {
    if (this.#closing === undefined) this.#connected().catch(() => undefined);
  }

  /** Has the child import the SDK ahead of the first request that needs it. Never throws. */
  warm(): void {
    if (this.#closing === undefined) this.request('warm', {}).catch(() => undefined);
  }

  /** Versions of the child, the SDK and Python. */
  async hello(options: RequestOptions = {}): Promise<Result<'hello'>> {
    const line = await this.#within(this.#current(), options.signal);
    try {
      return await this.#within(line.hello, options.signal);
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      const failed = this.#failed(
        error,
        {method: 'hello', params: {}, target: this.#options.target ?? 'cloud'},
        line,
        false,
      );
      throw failed instanceof Attempt ? failed.error : failed;
    }
  }

  /** Reads a handler's signature from its source, without running it. Needs no connection. */
  inspect(params: Params<'inspect'>, options?: RequestOptions): Promise<Result<'inspect'>> {
    return this.request('inspect', params, options);
  }

  /** Follows a handler's imports through the project, without running anything. Needs no connection. */
  examine(params: Params<'examine'>, options?: RequestOptions): Promise<Result<'examine'>> {
    return this.request('examine', params, options);
  }

  /** Looks for handlers, requirements and the Python version of a project. Needs no connection. */
  discover(params: Params<'discover'>, options?: RequestOptions): Promise<Result<'discover'>> {
    return this.request('discover', params, options);
  }

  /** Which version of each app is live. Quick, and no more than that. */
  versions(params: Params<'versions'>, options?: RequestOptions): Promise<Result<'versions'>> {
    return this.request('versions', params, options);
  }

  /** Whose workspace the tokens belong to. */
  whoami(options?: RequestOptions): Promise<Result<'whoami'>> {
    return this.request('whoami', {}, options);
  }

  /** Publishes an app as a whole. Sent once only. */
  deployApp(params: Params<'deployApp'>, options?: RequestOptions): Promise<Result<'deployApp'>> {
    return this.request('deployApp', params, options);
  }

  /** What is live in an app. */
  layout(params: Params<'layout'>, options?: RequestOptions): Promise<Result<'layout'>> {
    return this.request('layout', params, options);
  }

  /** What is live of these apps and volumes; one that is not there is no error. */
  observe(params: Params<'observe'>, options?: RequestOptions): Promise<Result<'observe'>> {
    return this.request('observe', params, options);
  }

  /** Unpacks a package that is kept beside the deployment. */
  fetchPackage(params: Params<'fetchPackage'>, options?: RequestOptions): Promise<Result<'fetchPackage'>> {
    return this.request('fetchPackage', params, options);
  }

  listFunctions(options?: RequestOptions): Promise<Result<'listFunctions'>> {
    return this.request('listFunctions', {}, options);
  }

  listVolumes(options?: RequestOptions): Promise<Result<'listVolumes'>> {
    return this.request('listVolumes', {}, options);
  }

  /** Creates a volume, or finds it. */
  createVolume(params: Params<'createVolume'>, options?: RequestOptions): Promise<Result<'createVolume'>> {
    return this.request('createVolume', params, options);
  }

  /** Runs a function once; the values of a generator go to `onItem`. Sent once only. */
  call(params: Params<'call'>, options?: RequestOptions): Promise<Result<'call'>> {
    return this.request('call', params, options);
  }

  /** Sends any method. An idempotent one, or one that was not yet sent, is tried once more when the child dies. */
  async request<M extends Method>(method: M, params: Params<M>, options: RequestOptions = {}): Promise<Result<M>> {
    if (options.signal !== undefined) setMaxListeners(0, options.signal);
    for (let retried = false; ; retried = true) {
      try {
        return await this.#attempt(method, params, options);
      } catch (error) {
        if (!(error instanceof Attempt)) throw error;
        const again = error.died && (!error.sent || METHODS[method].idempotent);
        if (!again || retried || this.#closing !== undefined) throw error.error;
        this.#debug(`bridge: the child died during ${method}; trying once more on a fresh one`);
      }
    }
  }

  /** Ends the child and rejects what is pending. Safe to call twice; nothing of the bridge keeps Node alive then. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const error = closedError();
    this.#ending.abort(error);
    for (const end of this.#running) end(error);
    // A runtime that is still being built is not waited for: whoever builds it has its own signal.
    await this.#spawning;
    await Promise.all([...this.#children].map(child => child.close()));
  }

  async #attempt<M extends Method>(method: M, params: Params<M>, options: RequestOptions): Promise<Result<M>> {
    const {signal} = options;
    const subject: Subject = {method, params, target: this.#options.target ?? 'cloud'};
    const {remote} = METHODS[method];
    const ready = this.#ready;
    // Most requests find everything there, and should not wait for their turn again and again.
    const prompt = ready?.session.alive === true && (ready.joined || !remote) && this.#closing === undefined;
    const line = prompt ? ready : await this.#within(this.#current(), signal);
    checkAborted(signal);
    try {
      if (!prompt) await this.#within(line.hello, signal);
      if (!prompt && remote) await this.#within(this.#join(line), signal);
    } catch (error) {
      if (error instanceof RequestFailure) throw this.#failed(error, subject, line, false);
      throw error;
    }
    const began = performance.now();
    const ticket = line.session.request(method, params, options);
    let sent = false;
    void ticket.sent.then(() => {
      sent = true;
    });
    try {
      const result = await awaitReply(ticket, line, {
        deadline: options.deadline ?? METHODS[method].deadline,
        late: milliseconds => deadlineError(subject, milliseconds),
        grace: this.#grace,
        signal,
        running: this.#running,
        debug: this.#debug,
      });
      this.#debug(`bridge: ${ticket.id} ${method} in ${Math.round(performance.now() - began)} ms`);
      return result;
    } catch (error) {
      if (error instanceof RequestFailure) throw this.#failed(error, subject, line, sent);
      throw error;
    }
  }

  #failed({failure}: RequestFailure, subject: Subject, line: Line, sent: boolean): unknown {
    switch (failure.kind) {
      case 'reply':
        return replyError(failure.error, subject, value => this.#redactor.deep(value));
      case 'protocol':
        return protocolError(failure.problem, subject);
      case 'consumer':
        return failure.error;
      case 'death': {
        const noise = line.child.noise(text => this.#redactor.text(text));
        const error = deathError(failure.exit, noise, subject, sent);
        return new Attempt(error, failure.exit.error === undefined, sent);
      }
    }
  }

  /** The running child, or a new one where there is none. */
  #current(): Promise<Line> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    this.#line ??= this.#open();
    const line = this.#line;
    const forget = (): void => {
      if (this.#line === line) this.#line = undefined;
    };
    return line.then(
      opened => {
        if (opened.session.alive) return opened;
        forget();
        return this.#current();
      },
      error => {
        forget();
        throw error;
      },
    );
  }

  async #open(): Promise<Line> {
    const runtime = await this.#options.runtime();
    if (this.#closing !== undefined) throw closedError();
    const session = new Session(this.#debug);
    const began = performance.now();
    const child = await this.#spawn(runtime, session);
    session.attach(child);
    const hello = this.#greet(session, child, began);
    const line: Line = {session, child, runtime, hello, connected: undefined, joined: false};
    hello.then(
      () => {
        this.#ready = line;
      },
      () => undefined,
    );
    return line;
  }

  async #spawn(runtime: PythonRuntime, session: Session): Promise<PythonChild> {
    const starting = PythonChild.start({
      python: runtime.python,
      script: this.#options.script ?? join(packageRoot(), 'python', 'child.py'),
      environment: {...childEnvironment(this.#environment), MODAL_CONFIG_PATH: absentConfigPath(packageRoot())},
      onLine: line => session.receive(line),
      ...(this.#options.debug === undefined ? {} : {onNoise: line => this.#debug(`python: ${line}`)}),
    }).then(child => {
      this.#children.add(child);
      this.#debug(`bridge: started process ${child.pid ?? 'none'}`);
      void child.exited.then(() => this.#children.delete(child));
      return child;
    });
    this.#spawning = starting.catch(() => undefined);
    return starting;
  }

  async #greet(session: Session, child: PythonChild, began: number): Promise<Result<'hello'>> {
    const {client} = this.#options;
    const params = {protocol: PROTOCOL_VERSION, client: `${client.name}/${client.version}`, warm: this.#warm};
    const ticket = session.request('hello', params, {});
    const subject: Subject = {method: 'hello', params, target: this.#options.target ?? 'cloud'};
    const timer = setTimeout(() => child.kill('SIGKILL'), METHODS.hello.deadline);
    try {
      const hello = await ticket.result;
      this.#debug(
        `bridge: Python ${hello.python}, modal ${hello.sdk ?? 'missing'}, ready in ${Math.round(performance.now() - began)} ms`,
      );
      return hello;
    } catch (error) {
      if (!(error instanceof RequestFailure) || error.failure.kind === 'death') throw error;
      // Whatever it is, it speaks another protocol.
      void child.close();
      if (error.failure.kind === 'protocol') throw versionError(`the Python side's greeting ${error.failure.problem}.`);
      if (error.failure.kind === 'reply') throw versionError(error.failure.error.message);
      throw replyError({code: 'INTERNAL', message: String(error.failure.error)}, subject, value => value);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hands the connection to a child, once. */
  #join(line: Line): Promise<void> {
    line.connected ??= this.#connected().then(
      async connection => {
        line.child.sendSecrets(JSON.stringify({environment: connection.environment}));
        const hello = await line.hello;
        if (hello.sdk === undefined) throw missingSdkError(line.runtime.python, line.runtime.source === 'named');
        line.joined = true;
      },
      error => {
        // The next request asks again: what was missing may be there by then.
        line.connected = undefined;
        throw error;
      },
    );
    return line.connected;
  }

  #connected(): Promise<Connection> {
    this.#connection ??= this.#options.connection().then(
      connection => {
        this.#redactor.addEnvironment(connection.environment);
        return connection;
      },
      error => {
        this.#connection = undefined;
        if (isCloudError(error)) throw error;
        throw environmentError('CONNECTION', `The connection to Modal could not be set up: ${String(error)}`, {
          provider: PROVIDER,
          cause: error,
        });
      },
    );
    return this.#connection;
  }

  #within<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return abortable(work, [this.#ending.signal, signal]);
  }
}
