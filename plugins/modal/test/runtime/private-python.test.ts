import {existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from '@jest/globals';
import {ensureRuntime, rebuildRuntime} from '../../src/runtime/index.js';
import {packageIn} from '../../src/runtime/install.js';
import {caught, devPython, isAlive, until} from '../support.js';
import {describesItself, fakePython, fakeUv, machine} from './fakes.js';

const PYTHON = describesItself({executable: devPython, version: [3, 11, 7]});
const installs = (ran: readonly string[]): number => ran.filter(line => line.includes('pip install')).length;

function withUv(install = 'echo "Downloading modal (1.2MiB)" >&2; exit 0') {
  const fake = machine();
  fake.program('python3', PYTHON);
  fake.program('uv', fakeUv(install));
  return {...fake, root: join(fake.directories.data, 'python')};
}

describe('the private environment', () => {
  test('is built once; then no process is started, not even with an empty PATH', async () => {
    const {options, environment, ran, heard} = withUv();
    const runtime = await ensureRuntime(options);
    expect(runtime.source).toBe('private');
    expect(heard.stages()).toEqual([
      'python-environment running',
      'python-packages running',
      'python-packages done',
      'python-environment done',
    ]);
    expect(heard.events).toContainEqual({kind: 'log', id: 'python-packages', text: 'Downloading modal (1.2MiB)'});
    const before = ran().length;
    environment['PATH'] = '';
    const began = performance.now();
    expect(await ensureRuntime(options)).toEqual(runtime);
    expect(performance.now() - began).toBeLessThan(100);
    expect(ran()).toHaveLength(before);
  });

  test('locks the packages by their hashes', async () => {
    const {options, ran} = withUv();
    await ensureRuntime(options);
    const install = ran().find(line => line.includes('pip install'));
    expect(install).toContain('--require-hashes');
    expect(install).toMatch(/python\/requirements\.lock *$/);
  });

  test('two at once: one builds, the other waits and says so', async () => {
    const {options, ran, heard} = withUv('sleep 1; exit 0');
    const [one, other] = await Promise.all([ensureRuntime(options), ensureRuntime(options)]);
    expect(one).toEqual(other);
    expect(installs(ran())).toBe(1);
    expect(heard.stages()).toEqual(expect.arrayContaining(['python-wait running', 'python-wait done']));
  });

  test('the one who waits can be interrupted; the builder goes on', async () => {
    const {options} = withUv('sleep 1; exit 0');
    const building = ensureRuntime(options);
    const stop = new AbortController();
    await until(() => existsSync(options.directories.data));
    const waiting = caught(ensureRuntime({...options, signal: stop.signal}));
    setTimeout(() => stop.abort(), 300);
    const began = Date.now();
    expect((await waiting)['exitCode']).toBe(130);
    expect(Date.now() - began).toBeLessThan(700);
    await building;
  });

  test('an interruption leaves nothing, neither a process nor files, and the next run succeeds', async () => {
    const pids = () => ran().filter(line => line.startsWith('pid '));
    const {options, ran, root, program} = withUv();
    program('uv', fakeUv(`echo "pid $$" >> ${join(options.directories.cache, '..', 'ran')}; sleep 30`));
    const stop = new AbortController();
    const building = caught(ensureRuntime({...options, signal: stop.signal}));
    await until(() => pids().length > 0);
    stop.abort();
    expect((await building)['exitCode']).toBe(130);
    await until(() => !isAlive(Number(pids()[0]?.slice(4))), 3000);
    expect(readdirSync(root)).toEqual([]);
    program('uv', fakeUv('exit 0'));
    await expect(ensureRuntime(options)).resolves.toMatchObject({source: 'private'});
  });

  test('what a killed build left is never taken for ready: it is removed, with its stale lock', async () => {
    const model = withUv();
    await ensureRuntime(model.options);
    const key =
      readdirSync(model.root)
        .find(name => name.endsWith('.json'))
        ?.replace('.json', '') ?? '';
    const {options, root, ran} = withUv();
    const left = join(root, `${key}-3.11-999999999-abcdef`);
    mkdirSync(join(left, 'bin'), {recursive: true});
    writeFileSync(join(left, 'bin', 'python'), '');
    mkdirSync(join(root, `${key}.lock`));
    utimesSync(join(root, `${key}.lock`), 1, 1);
    await ensureRuntime(options);
    expect(installs(ran())).toBe(1);
    expect(existsSync(left)).toBe(false);
    expect(readdirSync(root)).toHaveLength(2);
  });

  test('is built anew when its Python is gone, and when asked to', async () => {
    const {options, ran} = withUv();
    const first = await ensureRuntime(options);
    rmSync(first.python);
    const second = await ensureRuntime(options);
    expect(second.python).not.toBe(first.python);
    const third = await rebuildRuntime(options);
    expect(third.python).not.toBe(second.python);
    expect(await ensureRuntime(options)).toEqual(third);
    expect(installs(ran())).toBe(3);
  });

  test('has one for each CLOUDCTL_PYTHON', async () => {
    const {options, environment, program, ran} = withUv();
    await ensureRuntime(options);
    environment['CLOUDCTL_PYTHON'] = program('mine', PYTHON);
    await ensureRuntime(options);
    delete environment['CLOUDCTL_PYTHON'];
    await ensureRuntime(options);
    expect(installs(ran())).toBe(2);
  });
});

describe('an installer that fails', () => {
  test.each([
    ['DISK_FULL', 'error: failed to write: No space left on device (os error 28)'],
    ['PACKAGE_HASH_MISMATCH', 'error: Hash mismatch for modal==1.6.4'],
    ['PERMISSION_DENIED', 'error: failed to create directory: Permission denied (os error 13)'],
  ])('%s: no other installer is tried', async (code, line) => {
    const {options, ran} = withUv(`echo "${line} from https://me:pass@mirror/x" >&2; exit 2`);
    const error = await caught(ensureRuntime(options));
    expect(error).toMatchObject({code, exitCode: 7, provider: 'modal', data: {output: expect.stringContaining(line)}});
    expect(error.message).not.toContain('error:');
    expect(JSON.stringify(error)).not.toContain('pass@');
    expect(ran().some(entry => entry.includes('-m venv'))).toBe(false);
  });

  test('uv, for want of the configuration that pip has: pip goes on, and debug says so', async () => {
    const {options, program, said, environment} = withUv(
      'echo "error: Failed to fetch: https://me:pass@x/simple" >&2; exit 1',
    );
    environment['PIP_INDEX_URL'] = 'https://mirror/simple';
    program('python3', fakePython('exit 0'));
    await expect(ensureRuntime(options)).resolves.toMatchObject({source: 'private'});
    expect(said.join('\n')).toContain('uv failed (REGISTRY_UNREACHABLE), going on with pip');
    expect(said.join('\n')).not.toContain('pass@');
  });

  test.each([
    ['PACKAGE_HASH_MISMATCH', 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.'],
    ['DISK_FULL', 'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device'],
    ['REGISTRY_CERTIFICATE', 'SSLError(SSLCertVerificationError(1, [SSL: CERTIFICATE_VERIFY_FAILED]))'],
    ['REGISTRY_CREDENTIALS', 'ERROR: HTTP error 401 Client Error: Unauthorized for url'],
    ['REGISTRY_UNREACHABLE', 'NewConnectionError: Failed to establish a new connection: Connection refused'],
    ['PACKAGE_NOT_FOUND', 'ERROR: No matching distribution found for modal==1.6.4'],
    ['PYTHON_SETUP_FAILED', 'something that nobody has seen before'],
  ])('pip: %s, with what it wrote in data only', async (code, line) => {
    const {options, program} = machine();
    program('python3', fakePython(`echo "${line}" >&2; exit 1`));
    const error = await caught(ensureRuntime(options));
    expect(error).toMatchObject({code, exitCode: 7, data: {output: line}});
    expect((error['hints'] as string[]).join('\n')).toContain('cloudctl modal setup');
  });

  test('pip in the middle of a slow download: tried once more, with patience', async () => {
    const {options, program, ran, root} = machine();
    const again = `${root}/again`;
    const slow = `if [ -e ${again} ]; then exit 0; fi; touch ${again}
echo "  Downloading modal-1.6.4-py3-none-any.whl (1.2 MB)"; echo "ReadTimeoutError: Read timed out." >&2; exit 2`;
    program('python3', fakePython(slow));
    await expect(ensureRuntime(options)).resolves.toMatchObject({source: 'private'});
    expect(ran().filter(line => line.includes('-m venv'))).toHaveLength(1);
  });

  test('a data directory that cannot be', async () => {
    const {options, directories} = withUv();
    writeFileSync(directories.data, 'a file');
    expect(await caught(ensureRuntime(options))).toMatchObject({cloudctl: 1, exitCode: 7});
  });
});

test.each([
  ['Collecting types-certifi==2021.10.8.3 (from -r requirements.lock (line 900))', 'types-certifi'],
  ['  Downloading types_certifi-2021.10.8.3-py3-none-any.whl (2.1 kB)', 'types-certifi'],
  ['Downloading aiohttp (1.7MiB)', 'aiohttp'],
  ['Processing /wheels/h2-4.4.1-py3-none-any.whl', 'h2'],
  [' + python-socks==3.2.1', 'python-socks'],
  ['Installing collected packages: a, b', undefined],
])('the package in "%s"', (line, name) => {
  expect(packageIn(line)).toBe(name);
});
