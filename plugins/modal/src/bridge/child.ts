import type {ChildProcess} from 'node:child_process';
import type {Socket} from 'node:net';
import type {Readable, Writable} from 'node:stream';
import {LineSplitter} from './lines.js';
import {Tail} from './tail.js';

/** How a child ended. `error` when it could not be started at all. */
export interface ChildExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  error?: Error;
}

export interface ChildOptions {
  /** Absolute path of the interpreter. */
  python: string;
  /** Absolute path of the script. */
  script: string;
  environment: Record<string, string>;
  onLine(line: string): void;
  /** A line on stderr, raw. Absent when nobody listens. */
  onNoise?(line: string): void;
}

/** What a child that has ended may still have in its pipes is awaited this long; a grandchild can hold them for ever. */
const DRAIN_MS = 300;

/** A child that closed its pipes but lives on is of no use. */
const LINGER_MS = 1000;

/** How long each step of closing waits: for the end of input to be understood, then for SIGTERM. */
const CLOSE_STEP_MS = 1000;

/** fd 3. */
const SECRETS = 3;

const WINDOWS = process.platform === 'win32';

/**
 * One Python process under `python-shell`.
 *
 * `python-shell` starts the process and no more: its own reading is quadratic in the length of a line, keeps all of
 * stderr, and ends the CLI at a broken pipe.
 */
export class PythonChild {
  /** Settles when the process has ended and its output is read. Never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #stdin: Writable;
  readonly #stdout: Readable;
  readonly #tail = new Tail();
  #alive = true;
  #paused = 0;
  #writing: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #settle: (exit: ChildExit) => void = () => undefined;

  /** Starts a process. Its failure to start is told by {@link exited}. */
  static async start(options: ChildOptions): Promise<PythonChild> {
    const {PythonShell} = await import('python-shell');
    const shell = new PythonShell(options.script, {
      mode: 'binary',
      // Anything without a parser of that name: python-shell then leaves stderr alone.
      stderrParser: 'none',
      pythonPath: options.python,
      pythonOptions: ['-X', 'utf8'],
      env: options.environment,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C on the terminal reaches the CLI alone, which then cancels in good order.
      detached: !WINDOWS,
      windowsHide: true,
    });
    shell.on('error', () => undefined);
    return new PythonChild(shell.childProcess, options);
  }

  private constructor(child: ChildProcess, options: ChildOptions) {
    this.#process = child;
    this.exited = new Promise(resolve => {
      this.#settle = resolve;
    });
    this.#stdin = child.stdin as Writable;
    this.#stdout = child.stdout as Readable;
    this.#readOutput(options);
    this.#readNoise(child.stderr as Readable, options);
    for (const stream of [this.#stdin, this.#secrets()]) stream?.on('error', () => this.#expectExit());
    child.once('error', error => {
      if (child.pid === undefined) this.#finish({code: null, signal: null, error});
    });
    child.once('close', (code, signal) => this.#finish({code, signal}));
    child.once('exit', (code, signal) => this.#drain({code, signal}));
    this.hold(false);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** The end of what the child wrote to stderr. */
  noise(clean: (text: string) => string): string {
    return this.#tail.text(clean);
  }

  /** Writes one line, after those before it and when the child has room. Resolves when it is handed over. */
  send(line: () => string): Promise<void> {
    const written = this.#writing.then(() => this.#write(`${line()}\n`));
    this.#writing = written.catch(() => undefined);
    return written;
  }

  async #write(text: string): Promise<void> {
    if (!this.#alive || !this.#stdin.writable) throw new Error('The child takes no more input.');
    if (this.#stdin.write(text)) return;
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        this.#stdin.off('drain', done).off('close', failed);
        resolve();
      };
      const failed = (): void => {
        this.#stdin.off('drain', done).off('close', failed);
        reject(new Error('The child closed its input.'));
      };
      this.#stdin.once('drain', done).once('close', failed);
    });
  }

  /** Writes the one object on fd 3 and closes it. */
  sendSecrets(json: string): void {
    this.#secrets()?.end(json);
  }

  #secrets(): Writable | undefined {
    return (this.#process.stdio?.[SECRETS] as Writable | null | undefined) ?? undefined;
  }

  /** Stops reading until the returned function is called, so that a slow consumer holds the child back. */
  pause(): () => void {
    this.#paused++;
    this.#stdout.pause();
    let resumed = false;
    return () => {
      if (resumed) return;
      resumed = true;
      this.#paused--;
      if (this.#paused === 0) this.#stdout.resume();
    };
  }

  /** Whether Node stays alive for this child. An idle one that nobody closed must not keep the CLI from ending. */
  hold(needed: boolean): void {
    const streams = [this.#process.stdin, this.#process.stdout, this.#process.stderr, this.#secrets()];
    // A stream that has ended holds nothing, and would wait for a connection with one more listener each time.
    const open = (streams as (Socket | null | undefined)[]).filter(stream => stream?.destroyed !== true);
    for (const handle of [this.#process, ...open]) {
      if (needed) handle?.ref?.();
      else handle?.unref?.();
    }
  }

  /** Sends a signal to the child and to all that it has started. */
  kill(signal: NodeJS.Signals): void {
    const {pid} = this.#process;
    if (pid === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    try {
      if (WINDOWS) this.#process.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      this.#process.kill(signal);
    }
  }

  /** Ends the process: end of input, SIGTERM after a second, SIGKILL after another. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.hold(true);
    this.#stdin.end();
    this.#secrets()?.end();
    // Unread output must not keep the child from ending.
    this.#paused = 0;
    this.#stdout.resume();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (await this.#endsWithin(CLOSE_STEP_MS)) return;
      this.kill(signal);
    }
    await this.#endsWithin(CLOSE_STEP_MS);
  }

  async #endsWithin(milliseconds: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>(resolve => {
      timer = setTimeout(() => resolve(false), milliseconds);
    });
    const ended = await Promise.race([this.exited.then(() => true), late]);
    clearTimeout(timer);
    return ended;
  }

  #readOutput(options: ChildOptions): void {
    const lines = new LineSplitter(options.onLine);
    this.#stdout.on('data', (chunk: Buffer) => {
      try {
        lines.push(chunk);
      } catch {
        this.kill('SIGKILL');
      }
    });
    this.#stdout.on('error', () => this.#expectExit());
    this.#stdout.on('end', () => this.#expectExit());
  }

  #readNoise(stderr: Readable, options: ChildOptions): void {
    // python-shell would keep all of it.
    stderr.removeAllListeners('data');
    const {onNoise} = options;
    const lines = onNoise === undefined ? undefined : new LineSplitter(onNoise, 64 * 1024);
    stderr.on('error', () => undefined);
    stderr.on('data', (chunk: Buffer) => {
      this.#tail.push(chunk);
      try {
        lines?.push(chunk);
      } catch {
        lines?.reset();
      }
    });
    stderr.resume();
  }

  /** A pipe is gone: the process should be about to end. */
  #expectExit(): void {
    if (!this.#alive) return;
    const timer = setTimeout(() => this.kill('SIGKILL'), LINGER_MS);
    timer.unref();
    void this.exited.then(() => clearTimeout(timer));
  }

  /** The process is gone; give its last output the time to be read. */
  #drain(exit: ChildExit): void {
    const timer = setTimeout(() => {
      if (this.#paused > 0) this.#drain(exit);
      else this.#finish(exit);
    }, DRAIN_MS);
    void this.exited.then(() => clearTimeout(timer));
  }

  #finish(exit: ChildExit): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const stream of [this.#process.stdin, this.#process.stdout, this.#process.stderr, this.#secrets()]) {
      stream?.destroy();
    }
    this.#settle(exit);
  }
}
