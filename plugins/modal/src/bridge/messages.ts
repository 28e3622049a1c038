import {anything, type Check, filled, flag, integer, isRecord, list, matching, oneOf, shape, text} from './checks.js';
import {type ChildError, ERROR_CODES, type Method, PROTOCOL_VERSION, type Progress} from './protocol.js';

/** A line from the child, understood. `noise` is anything that is not of the protocol. */
export type ChildMessage =
  | {kind: 'result'; id: number; result: Record<string, unknown>}
  | {kind: 'error'; id: number | null; error: ChildError; problem?: string}
  | {kind: 'progress'; id: number; progress: Progress}
  | {kind: 'item'; id: number; value: unknown}
  | {kind: 'noise'; problem: string; id?: number};

const time = matching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/, 'a time in UTC');
const functionName = matching(/^(?!.*-http$)[A-Za-z0-9_-]{1,64}$/, "a function's name");
const digest = matching(/^(sha256:)?[0-9a-f]{64}$/, 'a SHA-256 digest');
const texts = list(text);

/** A list that has something in it. */
function some(entry: Check): Check {
  const all = list(entry);
  return value => all(value) ?? ((value as unknown[]).length > 0 ? undefined : 'is empty');
}

const handlerKind = oneOf(['sync', 'async', 'generator', 'asyncGenerator', 'unknown']);

const signature = shape(
  {
    module: filled,
    attribute: filled,
    file: filled,
    line: integer(1),
    kind: handlerKind,
    parameters: list(
      shape({name: filled, kind: oneOf(['positional', 'keyword', 'varPositional', 'varKeyword']), required: flag}),
    ),
  },
  {root: oneOf(['src'])},
);

const liveFunctions = list(shape({name: filled, id: filled, managed: flag}, {url: text}));

const managedFunctions = list(
  shape({name: functionName, digest, deployedAt: time, functionId: filled, client: text}, {spec: anything}),
);

const RESULTS: Readonly<Record<Method, Check>> = {
  hello: shape({protocol: oneOf([PROTOCOL_VERSION]), python: text, capabilities: texts}, {sdk: text}),
  inspect: signature,
  examine: shape({signature, modules: list(shape({name: filled, file: filled})), warnings: texts}),
  discover: shape(
    {
      handlers: list(shape({handler: filled, file: filled, line: integer(1), kind: handlerKind}, {summary: text})),
      extras: list(filled),
    },
    {requirements: filled, python: matching(/^3\.\d{1,2}$/, 'a Python version such as 3.12'), pythonFrom: text},
  ),
  warm: shape({}),
  versions: shape({
    apps: list(
      shape({app: filled, state: oneOf(['deployed', 'stopped', 'absent'])}, {appId: filled, version: integer(1)}),
    ),
  }),
  whoami: shape({workspace: text, environment: text}, {tokenName: text, user: text, expiresAt: time}),
  deployApp: shape(
    {
      appId: filled,
      dashboardUrl: text,
      functions: list(
        shape({name: functionName, id: filled, dashboardUrl: text, signature}, {url: text, httpId: text}),
      ),
      carried: list(functionName),
      warnings: texts,
    },
    {deployedAt: time, version: integer(1)},
  ),
  layout: shape(
    {
      functions: liveFunctions,
      managed: managedFunctions,
    },
    {appId: text, warnings: texts},
  ),
  observe: shape({
    apps: list(
      shape(
        {
          app: filled,
          state: oneOf(['deployed', 'stopped', 'absent']),
          ours: flag,
          functions: liveFunctions,
          managed: managedFunctions,
        },
        {
          appId: text,
          version: integer(1),
          deployedAt: time,
          deployedBy: text,
          stoppedAt: time,
          stoppedBy: text,
          client: text,
          unrecorded: flag,
          rolledBackTo: integer(1),
        },
      ),
    ),
    volumes: list(shape({name: filled}, {id: filled, createdAt: time, createdBy: text})),
    warnings: texts,
  }),
  fetchPackage: shape({files: integer(0), bytes: integer(0)}),
  listFunctions: shape({
    functions: list(
      shape(
        {id: filled, name: filled, app: text, appId: filled, status: filled, createdAt: time, dashboardUrl: text},
        {url: text, version: integer(1), deployedAt: time, deployedBy: text},
      ),
    ),
    warnings: texts,
  }),
  listVolumes: shape({
    volumes: list(shape({id: filled, name: filled, createdAt: time}, {createdBy: text})),
    warnings: texts,
  }),
  createVolume: shape({id: filled, name: filled, created: flag, createdAt: time, dashboardUrl: text}),
  call: shape({value: anything}, {items: integer(0)}),
};

const foreignLists = shape({functions: texts}, {overwritten: texts});

/** What a publish would drop, and what it would overwrite: one of the two may be empty. */
const foreignFunctions: Check = value => {
  const problem = foreignLists(value);
  if (problem !== undefined) return problem;
  const {functions, overwritten = []} = value as {functions: string[]; overwritten?: string[]};
  return functions.length + overwritten.length > 0 ? undefined : 'names no function';
};

const ERROR_DATA: Readonly<Record<string, Check>> = {
  INTERNAL: shape({traceback: text}),
  HANDLER_NOT_FOUND: shape({suggestions: texts, reason: oneOf(['file', 'attribute', 'class'])}),
  SYNTAX_ERROR: shape({file: text, line: integer(1), column: integer(1), text}),
  DEFINES_MODAL_APP: shape({file: text, line: integer(1)}),
  MODULE_MISSING: shape({
    missing: some(
      shape(
        {module: filled, file: filled, line: integer(1), reason: oneOf(['absent', 'ignored', 'outside'])},
        {path: text, by: text},
      ),
    ),
  }),
  UNREACHABLE: shape({server: text}),
  NOT_FOUND: shape({kind: oneOf(['app', 'function', 'volume', 'secret', 'environment', 'package']), name: text}),
  FOREIGN_FUNCTIONS: foreignFunctions,
  IMAGE_BUILD: shape({log: text}),
  REMOTE_EXCEPTION: shape({type: text, traceback: text}),
  NOT_JSON: shape({type: text}),
};

const KNOWN_CODES = new Set<string>(ERROR_CODES);

const progressParams = shape(
  {
    stage: oneOf(['connect', 'image', 'upload', 'function', 'publish', 'record']),
    state: oneOf(['running', 'done']),
    message: text,
  },
  {log: text},
);

const requestId = integer(1);

function isId(value: unknown): value is number {
  return requestId(value) === undefined;
}

/** What is wrong with the result of a method, or nothing. Takes `null` out of optional fields. */
export function checkResult(method: Method, result: unknown): string | undefined {
  return RESULTS[method](result);
}

/** Understands one line of the child's. Never throws. */
export function readMessage(line: string): ChildMessage {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return {kind: 'noise', problem: 'is not JSON'};
  }
  if (!isRecord(message)) return {kind: 'noise', problem: 'is not an object'};
  if (Object.hasOwn(message, 'method')) return readNotification(message);
  return readReply(message);
}

function readNotification(message: Record<string, unknown>): ChildMessage {
  const {method, params} = message;
  if (Object.hasOwn(message, 'id')) return {kind: 'noise', problem: 'is a notification with an id of its own'};
  if (!isRecord(params) || !isId(params['id'])) return {kind: 'noise', problem: 'names no request'};
  const id = params['id'];
  if (method === 'item') {
    if (!Object.hasOwn(params, 'value')) return {kind: 'noise', problem: 'is an item without a value', id};
    return {kind: 'item', id, value: params['value']};
  }
  if (method !== 'progress') return {kind: 'noise', problem: 'is an unknown notification'};
  const problem = progressParams(params);
  if (problem !== undefined) return {kind: 'noise', problem: `is progress that ${problem}`};
  return {kind: 'progress', id, progress: params as unknown as Progress};
}

function readReply(message: Record<string, unknown>): ChildMessage {
  const id = message['id'];
  const hasResult = Object.hasOwn(message, 'result');
  const hasError = Object.hasOwn(message, 'error');
  if (id === null && hasError && !hasResult) return readFailure(null, message['error']);
  if (!isId(id)) return {kind: 'noise', problem: 'has no usable id'};
  if (hasResult === hasError) return {kind: 'noise', problem: 'has not exactly one of result and error', id};
  if (hasError) return readFailure(id, message['error']);
  const result = message['result'];
  if (!isRecord(result)) return {kind: 'noise', problem: 'has a result that is not an object', id};
  return {kind: 'result', id, result};
}

/** A failure stays one even when its details are not as agreed: the request must end. */
function readFailure(id: number | null, error: unknown): ChildMessage {
  if (!isRecord(error) || filled(error['message']) !== undefined || typeof error['code'] !== 'string') {
    return {kind: 'noise', problem: 'has an error without code and message', ...(id === null ? {} : {id})};
  }
  const {code, message, data} = error as {code: string; message: string; data?: unknown};
  const problem = errorProblem(id, code, data);
  return {
    kind: 'error',
    id,
    error: {code, message, ...(isRecord(data) ? {data} : {})},
    ...(problem === undefined ? {} : {problem}),
  };
}

function errorProblem(id: number | null, code: string, data: unknown): string | undefined {
  if (!KNOWN_CODES.has(code)) return `unknown error code ${code}`;
  if (id === null && code !== 'PROTOCOL') return `${code} for no request`;
  const check = ERROR_DATA[code];
  if (check !== undefined) return check(data);
  return data === undefined || data === null || isRecord(data) ? undefined : 'data is not an object';
}
