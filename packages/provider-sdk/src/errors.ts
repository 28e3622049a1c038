/** What a process ends with. The same table stands in `docs/errors-and-exit-codes.md` and in the help. */
export const EXIT = {
  ok: 0,
  bug: 1,
  usage: 2,
  notFound: 3,
  credentials: 4,
  provider: 5,
  partial: 6,
  environment: 7,
  budget: 8,
  changes: 9,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface ErrorDetails {
  /** Stable, upper-case, for scripts: `VOLUME_NOT_FOUND`. */
  code: string;
  exitCode: ExitCode;
  /** What to do next, each a sentence or a command to run. */
  hints?: readonly string[];
  provider?: string;
  /** Facts for `--json`, never credentials. */
  data?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * An error that says what happened, why, and what to run next.
 *
 * Recognised by its brand, not by its class: a plugin carries its own copy of this file.
 */
export class CloudError extends Error {
  override readonly name = 'CloudError';
  readonly cloudctl = 1;
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly hints: readonly string[];
  readonly provider?: string;
  readonly data?: Record<string, unknown>;

  constructor(message: string, details: ErrorDetails) {
    super(message, {cause: details.cause});
    this.code = details.code;
    this.exitCode = details.exitCode;
    this.hints = details.hints ?? [];
    if (details.provider !== undefined) this.provider = details.provider;
    if (details.data !== undefined) this.data = details.data;
  }
}

/** Whether `error` is a {@link CloudError} of this or of another copy of the SDK. */
export function isCloudError(error: unknown): error is CloudError {
  return error instanceof Error && 'cloudctl' in error && error.cloudctl === 1;
}

type Rest = Omit<ErrorDetails, 'code' | 'exitCode'>;

/** The caller typed something that cannot be meant. */
export function usageError(code: string, message: string, rest: Rest = {}): CloudError {
  return new CloudError(message, {...rest, code, exitCode: EXIT.usage});
}

/** Something that was named does not exist or is not installed. */
export function notFoundError(code: string, message: string, rest: Rest = {}): CloudError {
  return new CloudError(message, {...rest, code, exitCode: EXIT.notFound});
}

/** Credentials are missing, wrong, or out of reach. */
export function credentialsError(code: string, message: string, rest: Rest = {}): CloudError {
  return new CloudError(message, {...rest, code, exitCode: EXIT.credentials});
}

/** The provider refused, or the remote code failed. */
export function providerError(code: string, message: string, rest: Rest = {}): CloudError {
  return new CloudError(message, {...rest, code, exitCode: EXIT.provider});
}

/** The machine lacks something: no Python, no network, a disk that is full. */
export function environmentError(code: string, message: string, rest: Rest = {}): CloudError {
  return new CloudError(message, {...rest, code, exitCode: EXIT.environment});
}

/** The user, or a signal, ended the work. */
export function interruptedError(message = 'Interrupted.'): CloudError {
  return new CloudError(message, {code: 'INTERRUPTED', exitCode: EXIT.interrupted});
}
