import {utimesSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from '@jest/globals';
import {ensureRuntime} from '../../src/runtime/index.js';
import {caught, devPython} from '../support.js';
import {machine} from './fakes.js';

describe('CLOUDCTL_MODAL_PYTHON', () => {
  test('that has the SDK is asked once, until the file changes', async () => {
    const {options, environment, program, ran} = machine();
    const shim = program('shim', `exec ${devPython} "$@"`);
    environment['CLOUDCTL_MODAL_PYTHON'] = shim;
    const runtime = await ensureRuntime(options);
    // Not the shim, which would cost its time at every start.
    expect(runtime).toEqual({python: devPython, source: 'named'});
    expect(await ensureRuntime(options)).toEqual(runtime);
    expect(ran()).toHaveLength(1);
    utimesSync(shim, 1, 1);
    expect(await ensureRuntime(options)).toEqual(runtime);
    expect(ran()).toHaveLength(2);
  });

  test('can be a name on PATH', async () => {
    const {options, environment, program} = machine();
    program('mypython', `exec ${devPython} "$@"`);
    environment['CLOUDCTL_MODAL_PYTHON'] = 'mypython';
    expect((await ensureRuntime(options)).source).toBe('named');
  });

  test('without the SDK: the command that installs it, and no verdict is kept', async () => {
    const {options, environment, program, ran} = machine();
    const bare = program('bare', `exec ${devPython} -S "$@"`);
    environment['CLOUDCTL_MODAL_PYTHON'] = bare;
    const error = await caught(ensureRuntime(options));
    expect(error).toMatchObject({code: 'PYTHON_UNUSABLE', exitCode: 7});
    expect(error.message).toContain('cannot be imported');
    expect(error['hints']).toContain(`Install it: ${bare} -m pip install "modal>=1.5.1"`);
    await caught(ensureRuntime(options));
    expect(ran()).toHaveLength(2);
  });

  test.each([
    ['is not there', '/nowhere/python', 'there is no such file'],
    ['is not on PATH', 'no-such-python', 'it is not on PATH'],
    ['is no program', join(process.cwd(), 'package.json'), 'cannot be used'],
  ])('that %s', async (_, named, message) => {
    const {options, environment} = machine();
    environment['CLOUDCTL_MODAL_PYTHON'] = named;
    const error = await caught(ensureRuntime(options));
    expect(error).toMatchObject({code: 'PYTHON_UNUSABLE', exitCode: 7});
    expect(error.message).toContain(message);
  });

  test('that is too old', async () => {
    const {options, environment, program} = machine();
    const old = `echo '{"executable": "/x", "version": [3, 9, 1], "modal": null, "problem": null}'`;
    environment['CLOUDCTL_MODAL_PYTHON'] = program('old', old);
    expect((await caught(ensureRuntime(options))).message).toContain('it is Python 3.9.1');
  });
});
