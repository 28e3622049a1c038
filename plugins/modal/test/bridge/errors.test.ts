import {describe, expect, test} from '@jest/globals';
import {replyError} from '../../src/bridge/errors.js';
import {ERROR_CODES, type Method} from '../../src/bridge/protocol.js';

function map(code: string, data?: Record<string, unknown>, method: Method = 'deployApp') {
  return replyError(
    {code, message: 'What happened.', ...(data === undefined ? {} : {data})},
    {method, params: {}, target: 'cloud'},
    value => value,
  );
}

describe('every error code of the protocol', () => {
  const exitCodes: Record<(typeof ERROR_CODES)[number], number> = {
    PROTOCOL: 1,
    UNKNOWN_METHOD: 1,
    INVALID_PARAMS: 1,
    INTERNAL: 1,
    CANCELLED: 130,
    HANDLER_NOT_FOUND: 2,
    SYNTAX_ERROR: 2,
    DEFINES_MODAL_APP: 2,
    MODULE_MISSING: 2,
    INVALID: 2,
    BAD_INPUT: 2,
    NOT_FOUND: 3,
    AUTH: 4,
    PERMISSION: 5,
    CONFLICT: 5,
    LIMIT: 5,
    FOREIGN_FUNCTIONS: 5,
    IMAGE_BUILD: 5,
    REMOTE_EXCEPTION: 5,
    REMOTE_TIMEOUT: 5,
    NOT_JSON: 5,
    PROVIDER: 5,
    UNREACHABLE: 7,
  };

  test.each(ERROR_CODES)('%s has its exit code', code => {
    expect(map(code).exitCode).toBe(exitCodes[code]);
  });

  test.each(ERROR_CODES.filter(code => !['CANCELLED', 'INVALID', 'BAD_INPUT', 'PROVIDER'].includes(code)))(
    '%s says what to do next',
    code => {
      expect(map(code).hints.length).toBeGreaterThan(0);
      expect(map(code).provider).toBe('modal');
    },
  );

  test('one that is unknown is a refusal of the provider', () => {
    expect(map('NEW_CODE')).toMatchObject({code: 'NEW_CODE', exitCode: 5});
  });
});

describe('hints', () => {
  test('a missing volume: the command that makes it', () => {
    expect(map('NOT_FOUND', {kind: 'volume', name: 'models'})).toMatchObject({
      code: 'VOLUME_NOT_FOUND',
      hints: ['Create it: cloudctl deploy storage models --provider modal'],
    });
  });

  test('a missing function: the nearest names first', () => {
    const error = map('NOT_FOUND', {kind: 'function', name: 'helo', suggestions: ['hello', 'other']});
    expect(error.hints[0]).toBe('Did you mean "hello"?');
  });

  test('missing modules: one hint for each reason, in words that can be pasted', () => {
    const missing = [
      {module: 'helper', file: 'main.py', line: 1, reason: 'absent'},
      {module: 'other', file: 'main.py', line: 2, reason: 'absent'},
      {module: 'data.load', file: 'main.py', line: 3, reason: 'ignored', path: 'data/', by: '.gitignore'},
      {module: 'shared', file: 'main.py', line: 4, reason: 'outside', path: '../shared'},
    ];
    expect(map('MODULE_MISSING', {missing}, 'examine')).toMatchObject({
      message: 'What happened.',
      exitCode: 2,
      hints: [
        'Add the file, or correct the import',
        "Take it into the package: echo '!/data/' >> .cloudctlignore",
        'Deploy from the directory that holds both: --source DIR',
      ],
    });
  });

  test('a missing package', () => {
    expect(map('NOT_FOUND', {kind: 'package', name: 'ab12'})).toMatchObject({code: 'PACKAGE_NOT_FOUND', exitCode: 3});
  });

  test('details of the child go to data', () => {
    expect(map('FOREIGN_FUNCTIONS', {functions: ['a']}).data).toEqual({functions: ['a']});
  });
});
