import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from '@jest/globals';
import {Ajv2020} from 'ajv/dist/2020.js';
import {checkResult, readMessage} from '../../src/bridge/messages.js';
import {ERROR_CODES, METHODS, type Method} from '../../src/bridge/protocol.js';
import {protocolFolder} from '../support.js';

interface Vector {
  name: string;
  valid: boolean;
  /** Of the request that a reply answers. */
  method?: Method;
  message: Record<string, unknown>;
}

const schema = JSON.parse(readFileSync(join(protocolFolder, 'schema.json'), 'utf8')) as {
  $id: string;
  $defs: Record<string, {enum?: string[]}>;
};
const ajv = new Ajv2020({strict: false});
ajv.addSchema(schema);

function vectors(file: string): Vector[] {
  return JSON.parse(readFileSync(join(protocolFolder, 'vectors', file), 'utf8')) as Vector[];
}

function bySchema(definition: string, value: unknown): boolean {
  return ajv.validate({$ref: `${schema.$id}#/$defs/${definition}`}, value) as boolean;
}

/** What the TypeScript side makes of a message of the child's. */
function accepted({message, method}: Vector): boolean {
  const read = readMessage(JSON.stringify(message));
  if (read.kind === 'noise') return false;
  if (read.kind === 'error') return read.problem === undefined;
  return read.kind !== 'result' || method === undefined || checkResult(method, read.result) === undefined;
}

test('there is a file of vectors for every kind of message', () => {
  expect(readdirSync(join(protocolFolder, 'vectors')).sort()).toEqual([
    'credentials.json',
    'notifications.json',
    'replies.json',
    'requests.json',
  ]);
});

test('the methods and the error codes are those of the schema', () => {
  const requests = Object.keys(schema.$defs).filter(name => name.endsWith('.request'));
  expect(requests.map(name => name.replace('.request', '')).sort()).toEqual(Object.keys(METHODS).sort());
  expect([...(schema.$defs['ErrorCode']?.enum ?? [])].sort()).toEqual([...ERROR_CODES].sort());
});

describe('the schema agrees with the vectors', () => {
  test.each(vectors('requests.json'))('request: $name', ({valid, message}) => {
    expect(bySchema('ParentMessage', message)).toBe(valid);
  });
  test.each(vectors('credentials.json'))('credentials: $name', ({valid, message}) => {
    expect(bySchema('Credentials', message)).toBe(valid);
  });
  test.each(vectors('notifications.json'))('notification: $name', ({valid, message}) => {
    expect(bySchema('ChildMessage', message)).toBe(valid);
  });
  test.each(vectors('replies.json'))('reply: $name', ({valid, method, message}) => {
    const whole = bySchema('ChildMessage', message);
    const result = method === undefined || !('result' in message) || bySchema(`${method}.result`, message['result']);
    expect(whole && result).toBe(valid);
  });
});

describe('the TypeScript side agrees with the vectors', () => {
  test.each([...vectors('notifications.json'), ...vectors('replies.json')])('$name', vector => {
    expect(accepted(vector)).toBe(vector.valid);
  });

  test('null in an optional field is taken out', () => {
    const result = {workspace: 'acme', environment: 'main', user: null};
    expect(checkResult('whoami', result)).toBeUndefined();
    expect(result).toEqual({workspace: 'acme', environment: 'main'});
  });

  test('a problem names its place', () => {
    const result = {functions: [{id: 'fu-1', name: 'a', managed: 'yes'}], managed: []};
    expect(checkResult('layout', result)).toBe('.functions [0] .managed is neither true nor false');
  });
});
