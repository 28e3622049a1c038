import {
  CloudError,
  didYouMean,
  type ErrorDetails,
  EXIT,
  environmentError,
  interruptedError,
} from '@cloudctl/provider-sdk';
import type {ChildExit} from './child.js';
import type {ChildError, Method, MissingModule} from './protocol.js';

export const PROVIDER = 'modal';

/** What a request was about, for hints. */
export interface Subject {
  method: Method;
  params: unknown;
  /** The target, for commands in hints. */
  target: string;
}

type Mapped = Pick<ErrorDetails, 'code' | 'exitCode'> & {hints: readonly string[]};

const BUG_HINT = 'This is a bug in CloudCTL. Run again with DEBUG=* and report what it prints.';
const REBUILD = 'Build the Python environment anew: cloudctl modal setup --rebuild';
const SECRETS = 'Set the tokens again: cloudctl secrets modal token_id, then cloudctl secrets modal token_secret';

type Mapping = (error: ChildError, subject: Subject) => Mapped;

function fixed(exitCode: Mapped['exitCode'], ...hints: string[]): Mapping {
  return error => ({code: error.code, exitCode, hints});
}

/** Every code of the protocol, with what it means for the user. */
const MAPPINGS: Readonly<Record<string, Mapping>> = {
  PROTOCOL: fixed(EXIT.bug, BUG_HINT),
  UNKNOWN_METHOD: fixed(EXIT.bug, BUG_HINT),
  INVALID_PARAMS: fixed(EXIT.bug, BUG_HINT),
  INTERNAL: fixed(EXIT.bug, BUG_HINT),
  HANDLER_NOT_FOUND: handlerNotFound,
  SYNTAX_ERROR: error => ({
    code: error.code,
    exitCode: EXIT.usage,
    hints: [`Check it: python -m py_compile ${field(error, 'file') ?? 'FILE'}`],
  }),
  DEFINES_MODAL_APP: fixed(
    EXIT.usage,
    'Take the modal.App and its decorators out of the file: CloudCTL deploys plain functions.',
    'Or deploy that file with Modal itself: modal deploy FILE',
  ),
  MODULE_MISSING: moduleMissing,
  UNREACHABLE: unreachable,
  AUTH: fixed(
    EXIT.credentials,
    SECRETS,
    'Or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET in the environment.',
    "A new token: Modal's settings, API Tokens.",
  ),
  PERMISSION: fixed(EXIT.provider, "Ask an owner of the workspace for the role, or use another workspace's token."),
  NOT_FOUND: notFound,
  INVALID: fixed(EXIT.usage),
  CONFLICT: fixed(EXIT.provider, 'Something else changed it at the same time. Run the same command again.'),
  LIMIT: fixed(
    EXIT.provider,
    "See the workspace's limits in Modal's settings, or wait and run the same command again.",
  ),
  FOREIGN_FUNCTIONS: foreignFunctions,
  IMAGE_BUILD: fixed(EXIT.provider, 'The end of the build log is below.'),
  REMOTE_EXCEPTION: fixed(EXIT.provider, "The function's own code raised it; where, is below."),
  REMOTE_TIMEOUT: fixed(EXIT.provider, 'Give the function more time: deploy it again with a larger --timeout'),
  NOT_JSON: fixed(EXIT.provider, 'Let the handler return text, numbers, lists or dictionaries.'),
  BAD_INPUT: fixed(EXIT.usage),
  PROVIDER: fixed(EXIT.provider),
};

function field(error: ChildError, name: string): string | undefined {
  const value = error.data?.[name];
  return typeof value === 'string' ? value : undefined;
}

function texts(error: ChildError, name: string): string[] {
  const value = error.data?.[name];
  return Array.isArray(value) ? value.filter(entry => typeof entry === 'string') : [];
}

function param(subject: Subject, name: string): string | undefined {
  const value = (subject.params as Record<string, unknown> | null | undefined)?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** What a command needs to go to the same place. */
function flagsOf({target}: Subject): string {
  return `--provider modal${target === 'cloud' ? '' : ` --target ${target}`}`;
}

function handlerNotFound(error: ChildError, subject: Subject): Mapped {
  const near = texts(error, 'suggestions');
  const hints =
    near.length > 0
      ? near.map(name => `Name it: --handler ${name}`)
      : ['Name the function: --handler MODULE.FUNCTION, for example --handler main.handler'];
  const directory = param(subject, 'directory');
  if (error.data?.['reason'] === 'file' && directory !== undefined) hints.push(`Looked in ${directory}`);
  return {code: error.code, exitCode: EXIT.usage, hints};
}

function foreignFunctions(error: ChildError): Mapped {
  const dropped = texts(error, 'functions').length > 0;
  const [taken] = texts(error, 'overwritten');
  const way = taken === undefined ? 'drop' : dropped ? 'drop or overwrite' : 'overwrite';
  return {
    code: error.code,
    exitCode: EXIT.provider,
    hints: [
      'Deploy into another app: --app NAME',
      ...(taken === undefined ? [] : [`If it is yours, take it into the ledger: cloudctl adopt ai ${taken}`]),
      `Or ${way} those functions: --replace`,
    ],
  };
}

/** One hint for each way in which modules are missing, the first of its kind in it. */
function moduleMissing(error: ChildError): Mapped {
  const entries = error.data?.['missing'];
  const missing = Array.isArray(entries) ? (entries as MissingModule[]) : [];
  const hints: string[] = [];
  const first = (reason: MissingModule['reason']) => missing.find(entry => entry.reason === reason);
  const ignored = first('ignored');
  if (first('absent') !== undefined) hints.push('Add the file, or correct the import');
  if (ignored !== undefined) {
    const path = ignored.path ?? 'PATH';
    hints.push(`Take it into the package: echo '!/${path}' >> .cloudctlignore`);
  }
  if (first('outside') !== undefined) hints.push('Deploy from the directory that holds both: --source DIR');
  return {
    code: error.code,
    exitCode: EXIT.usage,
    hints: hints.length > 0 ? hints : ['Add the file, or correct the import'],
  };
}

/** Local Modal starts by itself; any other server is a matter of the network. */
function unreachable(error: ChildError, subject: Subject): Mapped {
  const hints =
    subject.target === 'local'
      ? ['Local Modal may have ended; the same command starts it again.', 'See how it is: cloudctl modal local status']
      : [
          'Check the network connection, and HTTPS_PROXY where there is a proxy, then run the same command again.',
          'To work without a network: add --target local',
        ];
  return {code: error.code, exitCode: EXIT.environment, hints};
}

function notFound(error: ChildError, subject: Subject): Mapped {
  const where = flagsOf(subject);
  const kind = field(error, 'kind') ?? 'object';
  const name = field(error, 'name') ?? 'NAME';
  const commands: Readonly<Record<string, string[]>> = {
    app: [`See what is deployed: cloudctl list ai ${where}`],
    function: [`See what is deployed: cloudctl list ai ${where}`],
    volume: [`Create it: cloudctl deploy storage ${name} ${where}`],
    secret: [
      ...(subject.target === 'local'
        ? ['Point Modal\'s own command at the local server: eval "$(cloudctl modal local env)"']
        : []),
      `Create it with Modal's own command: modal secret create ${name} KEY=VALUE`,
    ],
    package: ['Deploy it anew from its project; what CloudCTL did not deploy has no package.'],
    environment: ['Name one that exists in MODAL_ENVIRONMENT, or unset it.'],
  };
  return {
    code: `${kind.toUpperCase()}_NOT_FOUND`,
    exitCode: EXIT.notFound,
    hints: [
      ...didYouMean(name, texts(error, 'suggestions')),
      ...(commands[kind] ?? [`See what is deployed: cloudctl list ai ${where}`]),
    ],
  };
}

/** The child's refusal as an error for people. `clean` takes secrets out. */
export function replyError(error: ChildError, subject: Subject, clean: (value: unknown) => unknown): CloudError {
  if (error.code === 'CANCELLED') return interruptedError();
  const mapping = MAPPINGS[error.code] ?? fixed(EXIT.provider);
  const {code, exitCode, hints} = mapping(error, subject);
  return new CloudError(String(clean(error.message)), {
    code,
    exitCode,
    hints,
    provider: PROVIDER,
    ...(error.data === undefined ? {} : {data: clean(error.data) as Record<string, unknown>}),
  });
}

/** What to say of work that may or may not have happened. */
function uncertain(subject: Subject, sent: boolean): string[] {
  if (!sent) return [];
  if (subject.method === 'deployApp')
    return [`Whether it took effect is unknown. See: cloudctl list ai ${flagsOf(subject)}`];
  if (subject.method === 'createVolume') {
    return [`Whether it took effect is unknown. See: cloudctl list storage ${flagsOf(subject)}`];
  }
  return subject.method === 'call' ? ['Whether the function ran is unknown.'] : [];
}

/** The Python process ended, or never began. */
export function deathError(exit: ChildExit, stderr: string, subject: Subject, sent: boolean): CloudError {
  const data = {
    exitCode: exit.code,
    signal: exit.signal,
    ...(stderr === '' ? {} : {stderr}),
  };
  if (exit.error !== undefined) {
    return environmentError('PYTHON_NOT_STARTED', `Python could not be started: ${exit.error.message}`, {
      provider: PROVIDER,
      hints: [REBUILD],
      data,
      cause: exit.error,
    });
  }
  const how = exit.signal === null ? `with exit code ${exit.code ?? 'unknown'}` : `by the signal ${exit.signal}`;
  const last = stderr.split('\n').findLast(line => line.trim() !== '');
  const why = exit.signal === null && last !== undefined ? `: ${last.trim().slice(0, 300)}` : '.';
  return environmentError('PYTHON_DIED', `The Python process of the Modal plugin ended ${how}${why}`, {
    provider: PROVIDER,
    hints: [
      ...uncertain(subject, sent),
      ...(exit.signal === 'SIGKILL' ? ['The system may have run out of memory.'] : []),
      REBUILD,
    ],
    data,
  });
}

/** A request took longer than it may. */
export function deadlineError(subject: Subject, milliseconds: number): CloudError {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  return environmentError('TIMEOUT', `Modal did not finish "${subject.method}" within ${seconds} seconds.`, {
    provider: PROVIDER,
    hints: [
      ...uncertain(subject, true),
      'Check the network connection and run the same command again; DEBUG=* shows what it waits for.',
    ],
    data: {method: subject.method, seconds},
  });
}

/** The child said something that is not of the protocol. */
export function protocolError(problem: string, subject: Subject): CloudError {
  return new CloudError(`The Python side of the Modal plugin gave an answer that cannot be read: it ${problem}.`, {
    code: 'PROTOCOL',
    exitCode: EXIT.bug,
    hints: [BUG_HINT],
    provider: PROVIDER,
    data: {method: subject.method},
  });
}

/** The two halves of the plugin are of different releases. */
export function versionError(reason: string): CloudError {
  return environmentError('PROTOCOL_MISMATCH', `The two halves of the Modal plugin do not fit together: ${reason}`, {
    provider: PROVIDER,
    hints: ['Install the plugin again: cloudctl plugins uninstall modal, then cloudctl plugins install modal'],
  });
}

/** The interpreter lacks the SDK. */
export function missingSdkError(python: string, named: boolean): CloudError {
  return environmentError('MODAL_SDK_MISSING', `Modal's Python package is not installed in ${python}.`, {
    provider: PROVIDER,
    hints: [named ? `Install it: ${python} -m pip install "modal>=1.5.1"` : REBUILD],
  });
}

/** The bridge was closed while, or before, the request ran. */
export function closedError(): CloudError {
  return new CloudError('The connection to Modal was closed.', {
    code: 'BRIDGE_CLOSED',
    exitCode: EXIT.interrupted,
    provider: PROVIDER,
  });
}
