import {Command} from '@oclif/core/command';
import {CloudError, environmentError} from '../errors.js';
import type {ProgressSink} from '../progress.js';
import {errorToJson, errorToText, normaliseError} from './present-error.js';
import {createReporter, type Reporter} from './progress.js';

/**
 * The base of every CloudCTL command, the core's and a plugin's.
 *
 * `run` returns the data of the JSON envelope and shows it for people with {@link show}. Errors become the envelope's
 * error or text on stderr, with the exit code of their kind; nothing here ends the process early.
 */
export abstract class CloudCommand<Data extends object> extends Command {
  static override enableJsonFlag = true;

  readonly #warnings: string[] = [];
  readonly #interruption = new AbortController();
  #reporter: Reporter | undefined;

  abstract override run(): Promise<Data>;

  /** Aborted at the first Ctrl-C or SIGTERM. A second one ends the process at once. */
  protected get signal(): AbortSignal {
    return this.#interruption.signal;
  }

  /** Whether a person is looking: the output is drawn rather than listed. */
  protected get interactive(): boolean {
    return isTerminal(process.stdout) && !this.jsonEnabled();
  }

  /** Where long work says how far it is. Goes to stderr, and nowhere under `--json`. */
  protected get report(): ProgressSink {
    this.#reporter ??= createReporter({
      json: this.jsonEnabled(),
      live: isTerminal(process.stderr),
      stream: process.stderr,
    });
    return this.#reporter.report;
  }

  /** Ends the drawing of progress, so that the result can stand below it. */
  protected async settle(): Promise<void> {
    await this.#reporter?.stop();
    this.#reporter = undefined;
  }

  /** Writes the result for people to stdout. Silent under `--json`. */
  protected show(text: string): void {
    if (this.jsonEnabled()) return;
    this.log(text);
  }

  /** Something the user should know: in the envelope under `--json`, on stderr else. Said once. */
  protected addWarning(message: string): void {
    if (this.#warnings.includes(message)) return;
    this.#warnings.push(message);
  }

  override async init(): Promise<void> {
    await super.init();
    const interrupt = (): void => {
      if (this.#interruption.signal.aborted) process.exit(130);
      this.#interruption.abort(normaliseError(new DOMException('Interrupted.', 'AbortError')));
    };
    process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
    // oclif would swallow a closed pipe and throw the rest at nobody.
    process.stdout.removeAllListeners('error').on('error', (error: NodeJS.ErrnoException) => {
      this.#interruption.abort(error.code === 'EPIPE' ? new ClosedPipe() : outputFailed(error));
    });
  }

  override async finally(error: Error | undefined): Promise<void> {
    await this.#reporter?.stop();
    if (!this.jsonEnabled()) for (const warning of this.#warnings) this.note(`Warning: ${warning}`);
    await super.finally(error);
  }

  /** A line for people beside the result, on stderr. */
  protected note(text: string): void {
    if (this.jsonEnabled()) return;
    process.stderr.write(`${text}\n`);
  }

  override async catch(thrown: Error): Promise<void> {
    if (this.signal.reason instanceof ClosedPipe) {
      process.exitCode = ClosedPipe.exitCode;
      return;
    }
    await this.#reporter?.stop('failed');
    const error = normaliseError(this.signal.aborted ? (this.signal.reason as Error) : thrown);
    process.exitCode = error.exitCode;
    if (this.jsonEnabled()) this.logJson(this.toErrorJson(error));
    else process.stderr.write(`${errorToText(error, hasColor(process.stderr))}\n`);
  }

  override toErrorJson(error: unknown): {error: object; warnings: readonly string[]} {
    return {error: errorToJson(normaliseError(error)), warnings: this.#warnings};
  }

  override toSuccessJson(data: unknown): {data: unknown; warnings: readonly string[]} {
    return {data, warnings: this.#warnings};
  }
}

/** Whoever read the output has enough, as `head` does: the work ends without a word. */
class ClosedPipe extends Error {
  /** As a shell says it of a process that SIGPIPE ended. */
  static readonly exitCode = 141;
}

function outputFailed(cause: Error): CloudError {
  return environmentError('OUTPUT_FAILED', `The output cannot be written: ${cause.message}`, {cause});
}

/** Whether the stream is a terminal that understands control codes, outside of CI. */
export function isTerminal(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && process.env['TERM'] !== 'dumb' && !isCI();
}

/** Whether colours are wanted: a terminal, and neither `NO_COLOR` nor CI. */
export function hasColor(stream: NodeJS.WriteStream): boolean {
  return isTerminal(stream) && !process.env['NO_COLOR'];
}

function isCI(): boolean {
  const value = process.env['CI'];
  return value !== undefined && value !== '' && value !== '0' && value !== 'false';
}

export {CloudError};
