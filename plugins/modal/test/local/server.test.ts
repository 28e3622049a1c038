import {execFile, spawn} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {afterEach, describe, expect, test} from '@jest/globals';
import {
  ensureLocalServer,
  type LocalOptions,
  localServerStatus,
  localVariables,
  resetLocalServer,
  stopLocalServer,
} from '../../src/local/index.js';
import {caught, devPython, fixtures, isAlive, recorder, temporary, until} from '../support.js';

const started: LocalOptions[] = [];
afterEach(async () => {
  for (const options of started.splice(0)) await stopLocalServer(options);
}, 30_000);

function edit(file: string, pattern: RegExp, text: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(pattern, text));
}

function local(more: Partial<LocalOptions> = {}) {
  const root = temporary();
  const heard = recorder();
  let asked = 0;
  const options: LocalOptions = {
    directories: {cache: join(root, 'cache'), data: join(root, 'data')},
    environment: process.env,
    report: heard.report,
    runtime: async () => {
      asked++;
      return {python: devPython, source: 'named'};
    },
    ...more,
  };
  started.push(options);
  return {options, heard, state: join(root, 'data', 'local'), asked: () => asked};
}

describe('Local Modal', () => {
  test('starts, is found again without Python, and tells what it holds', async () => {
    const {options, asked, heard, state} = local();
    const server = await ensureLocalServer(options);
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(server.tokenId).toMatch(/^ak-/);
    expect(heard.stages()).toEqual(['local-server running', 'local-server done']);
    const began = performance.now();
    expect(await ensureLocalServer(options)).toEqual(server);
    expect(performance.now() - began).toBeLessThan(500);
    expect(asked()).toBe(1);
    expect(await localServerStatus(options)).toMatchObject({
      running: true,
      pid: server.pid,
      url: server.url,
      stateDirectory: state,
      apps: 0,
      functions: 0,
      volumes: 0,
      containers: 0,
    });
  });

  test('keeps its ports and tokens when it is stopped and started again', async () => {
    const {options} = local();
    const first = await ensureLocalServer(options);
    expect(await stopLocalServer(options)).toBe(first.pid);
    expect(isAlive(first.pid)).toBe(false);
    expect(await stopLocalServer(options)).toBeUndefined();
    expect(await localServerStatus(options)).toEqual({running: false, stateDirectory: expect.any(String)});
    const second = await ensureLocalServer(options);
    expect(second).toEqual({...first, pid: second.pid});
  });

  test('is started anew after a kill -9, in spite of the file that it leaves', async () => {
    const {options, state} = local();
    const first = await ensureLocalServer(options);
    process.kill(first.pid, 'SIGKILL');
    await until(() => !isAlive(first.pid));
    expect(existsSync(join(state, 'server.json'))).toBe(true);
    expect((await localServerStatus(options)).running).toBe(false);
    const second = await ensureLocalServer(options);
    expect(second).toEqual({...first, pid: second.pid});
  });

  test('is not mistaken for another process that has got its id', async () => {
    const {options, state} = local();
    await ensureLocalServer(options);
    const file = readFileSync(join(state, 'server.json'), 'utf8');
    await stopLocalServer(options);
    const stranger = spawn('sleep', ['60']);
    try {
      writeFileSync(join(state, 'server.json'), file.replace(/"pid": \d+/, `"pid": ${stranger.pid}`));
      expect(await stopLocalServer(options)).toBeUndefined();
      expect((await ensureLocalServer(options)).pid).not.toBe(stranger.pid);
      expect(stranger.exitCode).toBeNull();
      expect(stranger.signalCode).toBeNull();
    } finally {
      stranger.kill();
    }
  });

  test('of another version is replaced; its state stays', async () => {
    const {options, state} = local();
    mkdirSync(state, {recursive: true});
    const script = join(fixtures, '../../python/modal_local/__main__.py');
    const old = spawn(devPython, [script, 'serve', '--state', state, '--version', 'older'], {stdio: 'ignore'});
    await until(() => existsSync(join(state, 'server.json')), 15_000);
    const before = await localServerStatus(options);
    expect(before.version).toBe('older');
    const server = await ensureLocalServer(options);
    expect(server.pid).not.toBe(old.pid);
    expect(server.url).toBe(before.url);
    expect(isAlive(old.pid ?? 0)).toBe(false);
  });

  test('two at once find the same one', async () => {
    const {options} = local();
    const [one, other] = await Promise.all([ensureLocalServer(options), ensureLocalServer(options)]);
    expect(one).toEqual(other);
  });

  test('one that is on its way out is waited for', async () => {
    const {options} = local();
    const first = await ensureLocalServer(options);
    process.kill(first.pid, 'SIGTERM');
    const second = await ensureLocalServer(options);
    expect(second.url).toBe(first.url);
    await until(() => !isAlive(first.pid));
    expect((await ensureLocalServer(options)).url).toBe(first.url);
  });

  test('has nothing of the CLI: no descriptors, no user token, no PYTHONPATH', async () => {
    const environment = {...process.env, MODAL_TOKEN_ID: 'ak-user', PYTHONPATH: '/tmp', AWS_SECRET_ACCESS_KEY: 'x'};
    const {options, state} = local({environment});
    const {pid} = await ensureLocalServer(options);
    if (process.platform !== 'linux') return;
    const inherited = readFileSync(`/proc/${pid}/environ`, 'utf8');
    expect(inherited).not.toMatch(/MODAL_TOKEN|PYTHONPATH|AWS_/);
    const standard = [0, 1, 2].map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`));
    expect(standard).toEqual(['/dev/null', join(state, 'server.log'), join(state, 'server.log')]);
    const [, session] = [0, Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3])];
    expect(session).toBe(pid);
  });

  test('that cannot start: the end of its log', async () => {
    const broken = join(temporary(), 'python');
    writeFileSync(broken, '#!/bin/sh\necho "ImportError: no grpclib" >&2\nexit 1\n', {mode: 0o755});
    const {options, heard} = local({runtime: async () => ({python: broken, source: 'private'})});
    const error = await caught(ensureLocalServer(options));
    expect(error).toMatchObject({
      code: 'LOCAL_SERVER_FAILED',
      exitCode: 7,
      provider: 'modal',
      data: {exitCode: 1, log: 'ImportError: no grpclib'},
    });
    expect(heard.stages()).toContain('local-server failed');
  });

  test('that is not there to be run', async () => {
    const {options} = local({runtime: async () => ({python: '/nowhere/python', source: 'private'})});
    expect(await caught(ensureLocalServer(options))).toMatchObject({code: 'LOCAL_SERVER_FAILED', exitCode: 7});
  });

  test('hangs: it is said which process that is, and nothing unconfirmed is killed', async () => {
    const {options} = local();
    const {pid} = await ensureLocalServer(options);
    process.kill(pid, 'SIGSTOP');
    try {
      const error = await caught(stopLocalServer(options));
      expect(error).toMatchObject({code: 'LOCAL_SERVER_HANGS', exitCode: 7, data: {pid}});
      expect(error['hints']).toContain(`If it is Local Modal: kill -9 ${pid}`);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect((await localServerStatus(options)).running).toBe(true);
  });

  describe.each([
    ['is garbage', (file: string) => writeFileSync(file, 'garbage')],
    ['is missing', (file: string) => rmSync(file)],
    ['names a process that has ended', (file: string) => edit(file, /"pid": \d+/, '"pid": 4194304')],
  ])('whose server file %s while it runs', (_, damage) => {
    test('is shown and stopped', async () => {
      const {options, state} = local();
      const {pid} = await ensureLocalServer(options);
      damage(join(state, 'server.json'));
      expect(await localServerStatus(options)).toEqual({running: true, pid, stateDirectory: state});
      expect(await stopLocalServer(options)).toBe(pid);
      expect(isAlive(pid)).toBe(false);
      expect((await localServerStatus(options)).running).toBe(false);
    });

    test('is ended by a reset', async () => {
      const {options, state} = local();
      const {pid} = await ensureLocalServer(options);
      damage(join(state, 'server.json'));
      await resetLocalServer(options);
      expect(isAlive(pid)).toBe(false);
      expect(existsSync(state)).toBe(false);
    });

    test('is replaced by the next start, on the same state', async () => {
      const {options, state} = local();
      const first = await ensureLocalServer(options);
      damage(join(state, 'server.json'));
      const second = await ensureLocalServer(options);
      expect(second).toEqual({...first, pid: second.pid});
      expect(isAlive(first.pid)).toBe(false);
      expect(await ensureLocalServer(options)).toEqual(second);
      const log = readFileSync(join(state, 'server.log'), 'utf8');
      expect(log.match(/another Local Modal server/g)).toHaveLength(1);
    });
  });

  test('of another directory is left alone, whatever the lock file says', async () => {
    const other = local();
    const {pid} = await ensureLocalServer(other.options);
    const {options, state} = local();
    mkdirSync(state, {recursive: true});
    writeFileSync(join(state, 'server.lock'), `${pid}\n`);
    expect(await localServerStatus(options)).toEqual({running: false, stateDirectory: state});
    expect(await stopLocalServer(options)).toBeUndefined();
    expect((await ensureLocalServer(options)).pid).not.toBe(pid);
    await resetLocalServer(options);
    expect(isAlive(pid)).toBe(true);
  });

  test('reset stops it and leaves nothing', async () => {
    const {options, state} = local();
    const first = await ensureLocalServer(options);
    await resetLocalServer(options);
    expect(isAlive(first.pid)).toBe(false);
    expect(existsSync(state)).toBe(false);
    expect(readdirSync(options.directories.data)).toEqual([]);
    const second = await ensureLocalServer(options);
    expect(second.tokenSecret).not.toBe(first.tokenSecret);
    await resetLocalServer(options);
    await resetLocalServer(options);
  });

  test("serves Modal's own command line", async () => {
    const {options} = local();
    const server = await ensureLocalServer(options);
    const {stdout} = await promisify(execFile)(devPython, ['-m', 'modal', 'app', 'list', '--json'], {
      env: {PATH: process.env['PATH'], ...localVariables(server, options.directories)},
    });
    expect(JSON.parse(stdout)).toEqual([]);
  });
});
