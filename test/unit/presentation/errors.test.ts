import {mkdirSync} from 'node:fs';
import {usageError} from '@cloudctl/provider-sdk';
import {errorToJson, errorToText, normaliseError} from '@cloudctl/provider-sdk/oclif';
import {describe, expect, test} from '@jest/globals';

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('whatever was thrown becomes an error with an exit code', () => {
  test('ours stays what it is, also without the words that oclif puts around it', () => {
    const error = usageError('BAD', 'no good', {hints: ['do this']});
    expect(errorToJson(normaliseError(error))).toEqual({
      code: 'BAD',
      message: 'no good',
      hints: ['do this'],
      exitCode: 2,
    });
    error.message = 'Parsing --size \n\tno good\nSee more help with --help';
    expect(normaliseError(error).message).toBe('no good');
  });

  test('a refusal of the system is no bug of ours', () => {
    const refused = Object.assign(new Error('EACCES: permission denied'), {
      code: 'EACCES',
      syscall: 'mkdir',
      path: '/data/x',
    });
    expect(normaliseError(refused)).toMatchObject({
      code: 'SYSTEM_REFUSED',
      exitCode: 7,
      message: 'mkdir /data/x: permission denied.',
    });
    const missing = thrownBy(() => mkdirSync('/nowhere/at/all'));
    expect(normaliseError(missing)).toMatchObject({code: 'INTERNAL', exitCode: 1});
  });

  test('an abort is an interruption; anything else is a bug, and says so', () => {
    expect(normaliseError(Object.assign(new Error('x'), {name: 'AbortError'}))).toMatchObject({exitCode: 130});
    expect(normaliseError(new TypeError('x is undefined'))).toMatchObject({
      exitCode: 1,
      hints: [expect.stringContaining('bug in CloudCTL')],
    });
    expect(normaliseError('text')).toMatchObject({exitCode: 1, message: 'text'});
  });
});

test('text: what happened, what to do, then remote evidence', () => {
  const error = usageError('X', 'It failed.', {hints: ['Do this.'], data: {traceback: 'Traceback\n  here\n'}});
  expect(errorToText(error, false)).toBe('Error: It failed.\n  Do this.\n\nTraceback\n  here');
});
