import {CloudError, EXIT, isCloudError} from '../errors.js';

/** What stands under `error` in the JSON envelope. */
export interface ErrorJson {
  code: string;
  message: string;
  hints: readonly string[];
  exitCode: number;
  provider?: string;
  data?: Record<string, unknown>;
}

interface OclifError extends Error {
  oclif?: {exit?: number | false};
  code?: string;
  suggestions?: string[];
  parse?: unknown;
}

/**
 * Turns anything that was thrown into a {@link CloudError}.
 *
 * oclif marks its own errors with an exit code and parse errors with `parse`; whatever bears neither is a bug.
 */
export function normaliseError(error: unknown): CloudError {
  if (isCloudError(error)) return withoutFrame(error);
  if (!(error instanceof Error)) {
    return new CloudError(String(error), {code: 'INTERNAL', exitCode: EXIT.bug});
  }
  if (error.name === 'AbortError')
    return new CloudError('Interrupted.', {code: 'INTERRUPTED', exitCode: EXIT.interrupted});
  const {oclif, parse, suggestions} = error as OclifError;
  const message = error.message.replace(/\n?See more help with --help\s*$/, '').trimEnd();
  if (parse !== undefined) {
    return new CloudError(message, {
      code: 'USAGE',
      exitCode: EXIT.usage,
      hints: suggestions ?? ['Add --help to see what the command takes.'],
      cause: error,
    });
  }
  if (oclif !== undefined) {
    const exit = typeof oclif.exit === 'number' ? oclif.exit : EXIT.usage;
    const exitCode = (Object.values(EXIT) as number[]).includes(exit) ? (exit as CloudError['exitCode']) : EXIT.bug;
    return new CloudError(message, {
      code: exitCode === EXIT.notFound || exit === 127 ? 'COMMAND_NOT_FOUND' : 'COMMAND_FAILED',
      exitCode: exit === 127 ? EXIT.usage : exitCode,
      hints: suggestions ?? [],
      cause: error,
    });
  }
  const refusal = REFUSALS[(error as NodeJS.ErrnoException).code ?? ''];
  if (refusal !== undefined && 'syscall' in error) return systemError(error as NodeJS.ErrnoException, refusal);
  return new CloudError(message || error.name, {
    code: 'INTERNAL',
    exitCode: EXIT.bug,
    hints: ['This is a bug in CloudCTL. Run again with DEBUG=* and report what it prints.'],
    cause: error,
  });
}

/** What the system says no with, where the machine is at fault and not the program. */
const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is exceeded',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files on this machine',
};

function systemError(error: NodeJS.ErrnoException, refusal: string): CloudError {
  const place = error.path === undefined ? '' : ` ${error.path}`;
  return new CloudError(`${error.syscall}${place}: ${refusal}.`, {
    code: 'SYSTEM_REFUSED',
    exitCode: EXIT.environment,
    hints: ['Mend that, or name other folders in CLOUDCTL_DATA_DIR, CLOUDCTL_CACHE_DIR and CLOUDCTL_CONFIG_DIR.'],
    cause: error,
  });
}

/** oclif puts words of its own around the message of what a flag's parser throws. */
function withoutFrame(error: CloudError): CloudError {
  const inner = /^Parsing --\S+ \n\t([\s\S]*)\nSee more help with --help$/.exec(error.message)?.[1];
  if (inner !== undefined) error.message = inner;
  return error;
}

/** The error as it stands in the envelope. */
export function errorToJson(error: CloudError): ErrorJson {
  return {
    code: error.code,
    message: error.message,
    hints: error.hints,
    exitCode: error.exitCode,
    ...(error.provider === undefined ? {} : {provider: error.provider}),
    ...(error.data === undefined ? {} : {data: error.data}),
  };
}

/** The error for people: what happened, then what to do, one hint a line, then the remote traceback or log. */
export function errorToText(error: CloudError, color: boolean): string {
  const red = color ? '\u001B[31m' : '';
  const reset = color ? '\u001B[39m' : '';
  const lines = [`${red}Error:${reset} ${error.message}`, ...error.hints.map(hint => `  ${hint}`)];
  for (const evidence of [error.data?.['traceback'], error.data?.['log']]) {
    const text = Array.isArray(evidence) ? evidence.join('\n') : evidence;
    if (typeof text === 'string' && text !== '') lines.push('', text.trimEnd());
  }
  if (error.exitCode === EXIT.bug && process.env['DEBUG'] !== undefined) {
    lines.push(String((error.cause as Error | undefined)?.stack ?? error.stack));
  }
  return lines.join('\n');
}
