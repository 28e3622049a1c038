import {describe, expect, test} from '@jest/globals';
import {ensureRuntime} from '../../src/runtime/index.js';
import {caught} from '../support.js';
import {describesItself, fakePython, fakeUv, machine} from './fakes.js';

const BROKEN_SHIM = 'echo "pyenv: python3: command not found" >&2; exit 127';
const PIP_WORKS = 'echo "Collecting modal==1.6.4"; echo "  Downloading modal-1.6.4-py3-none-any.whl (1.2 MB)"; exit 0';

describe('looking for Python', () => {
  test('there is none: what was looked at, and how to install one', async () => {
    const {options} = machine();
    const error = await caught(ensureRuntime(options));
    expect(error).toMatchObject({code: 'PYTHON_NOT_FOUND', exitCode: 7, provider: 'modal'});
    expect(error.message).toContain('3.10 to 3.14');
    expect(String(error['hints'])).toMatch(/Install one.*CLOUDCTL_PYTHON=/s);
  });

  test('all are too old: which there are', async () => {
    const {options, program} = machine();
    const python = program('python3', describesItself({version: [3, 9, 2]}));
    program('python', describesItself({version: [2, 7, 18]}));
    const error = await caught(ensureRuntime(options));
    expect(error).toMatchObject({code: 'PYTHON_TOO_OLD', exitCode: 7});
    expect(error.message).toContain(`${python} (3.9.2)`);
    expect(error.message).toContain('2.7.18');
  });

  test('it is too new', async () => {
    const {options, program} = machine();
    program('python3', describesItself({version: [3, 15, 0]}));
    expect(await caught(ensureRuntime(options))).toMatchObject({code: 'PYTHON_TOO_NEW', exitCode: 7});
  });

  test('it has no ensurepip, as on Debian: the package of that very version', async () => {
    const {options, program} = machine();
    program('python3', describesItself({executable: '/usr/bin/python3.12', version: [3, 12, 3], venv: false}));
    const error = await caught(ensureRuntime(options));
    expect(error).toMatchObject({code: 'PYTHON_VENV_MISSING', exitCode: 7});
    expect(String(error['hints'])).toMatch(/python3\.12-venv|install uv/);
  });

  test('without ensurepip uv does', async () => {
    const {options, program} = machine();
    program('python3', describesItself({executable: '/usr/bin/python3.12', version: [3, 12, 3], venv: false}));
    program('uv', fakeUv('exit 0'));
    await expect(ensureRuntime(options)).resolves.toMatchObject({source: 'private'});
  });

  test('broken shims and other programs by that name are passed over in silence', async () => {
    const {options, program, heard} = machine();
    program('python3', BROKEN_SHIM);
    program('python3.14', 'echo "I am no Python"');
    program('python3.12', fakePython(PIP_WORKS));
    await expect(ensureRuntime(options)).resolves.toMatchObject({source: 'private'});
    expect(JSON.stringify(heard.events)).not.toContain('pyenv');
  });

  test('CLOUDCTL_PYTHON is the only one that is tried', async () => {
    const {options, program, environment, ran} = machine();
    program('python3', fakePython(PIP_WORKS));
    environment['CLOUDCTL_PYTHON'] = program('chosen', describesItself({version: [3, 8, 0]}));
    const error = await caught(ensureRuntime(options));
    expect(error).toMatchObject({code: 'PYTHON_UNUSABLE', exitCode: 7});
    expect(error.message).toContain('it is Python 3.8.0');
    environment['CLOUDCTL_PYTHON'] = 'not-there';
    expect((await caught(ensureRuntime(options))).message).toContain('not on PATH');
    expect(ran().some(line => line.startsWith('python3 '))).toBe(false);
  });
});
