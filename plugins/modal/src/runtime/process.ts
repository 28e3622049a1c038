import {spawn} from 'node:child_process';
import type {Environment} from './environment.js';
import {checkAborted} from './wait.js';

export interface RunOptions {
  environment: Environment;
  cwd?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds after which the process is killed. */
  timeout: number;
  /** Each line of stdout and stderr as it comes. `stop` kills the process. */
  onLine?: ((line: string, stop: () => void) => void) | undefined;
}

/** How a process ended, and the last 64 kB of what it said. */
export interface RunResult {
  /** Absent when the process was killed or never started. */
  code?: number;
  stdout: string;
  /** stdout and stderr as they came. */
  output: string;
  /** Why it could not be started. */
  error?: NodeJS.ErrnoException;
  /** It was killed at its timeout or through `stop`. */
  stopped: boolean;
}

const KEPT = 64 * 1024;
const GRACE_MS = 2000;
const WINDOWS = process.platform === 'win32';

/**
 * Runs a program to its end, without a shell and without input.
 *
 * Rejects only when the signal is aborted: the process, with all that it started, has ended by then.
 */
export async function run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  checkAborted(options.signal);
  const result = await start(command, args, options);
  checkAborted(options.signal);
  return result;
}

function start(command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise(resolve => {
    const child = spawn(command, args, {
      env: options.environment as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !WINDOWS,
      windowsHide: true,
      ...(options.cwd === undefined ? {} : {cwd: options.cwd}),
    });
    const result: RunResult = {stdout: '', output: '', stopped: false};
    const kill = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid === undefined) return;
        if (WINDOWS) child.kill(signal);
        else process.kill(-child.pid, signal);
      } catch {
        // It is gone already.
      }
    };
    let killing: NodeJS.Timeout | undefined;
    const stop = (): void => {
      result.stopped = true;
      // As Ctrl-C would: pip then removes its temporary files.
      kill('SIGINT');
      killing ??= setTimeout(() => kill('SIGKILL'), GRACE_MS);
    };
    const onExit = (): void => kill('SIGKILL');
    const timer = setTimeout(stop, options.timeout);
    options.signal?.addEventListener('abort', stop, {once: true});
    // A second Ctrl-C ends the CLI at once; the installer must not go on alone.
    process.once('exit', onExit);
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new LineReader(line => options.onLine?.(line, stop));
      stream.setEncoding('utf8');
      stream.on('error', () => undefined);
      stream.on('data', (text: string) => {
        if (stream === child.stdout) result.stdout = (result.stdout + text).slice(-KEPT);
        result.output = (result.output + text).slice(-KEPT);
        lines.push(text);
      });
    }
    let ended = false;
    const end = (code: number | null, error?: Error): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      clearTimeout(killing);
      options.signal?.removeEventListener('abort', stop);
      process.removeListener('exit', onExit);
      child.stdout.destroy();
      child.stderr.destroy();
      if (code !== null) result.code = code;
      if (error !== undefined) result.error = error;
      resolve(result);
    };
    child.once('error', error => end(null, error));
    child.once('close', code => end(code));
    // Something it left behind may hold the pipes.
    child.once('exit', code => setTimeout(() => end(code), 500).unref());
  });
}

/** Cuts text into lines; short ones, so that simple is fast enough. */
class LineReader {
  #rest = '';

  constructor(private readonly onLine: (line: string) => void) {}

  push(text: string): void {
    const lines = (this.#rest + text).split(/\r?\n|\r/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.onLine(line);
  }
}
