import {execFile} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {afterAll, beforeAll, describe, expect, test} from '@jest/globals';
import {Config} from '@oclif/core';
import {captureOutput} from '@oclif/test';
import ModalLocalEnv from '../../src/commands/modal/local/env.js';
import ModalLocalReset from '../../src/commands/modal/local/reset.js';
import ModalLocalStart from '../../src/commands/modal/local/start.js';
import ModalLocalStatus from '../../src/commands/modal/local/status.js';
import ModalLocalStop from '../../src/commands/modal/local/stop.js';
import ModalSetup from '../../src/commands/modal/setup.js';
import {devPython, pluginRoot, temporary} from '../support.js';

type Runnable = {run(argv: string[], config: Config): Promise<unknown>};

const root = temporary();
const own = {
  CLOUDCTL_DATA_DIR: join(root, 'data'),
  CLOUDCTL_CACHE_DIR: join(root, 'cache'),
  CLOUDCTL_CONFIG_DIR: join(root, 'config'),
  CLOUDCTL_MODAL_PYTHON: devPython,
};
const before = {...process.env};
let config: Config;

beforeAll(async () => {
  Object.assign(process.env, own);
  config = await Config.load({root: pluginRoot});
});
afterAll(async () => {
  await ModalLocalStop.run([], config);
  process.env = before;
});

async function run(command: Runnable, ...argv: string[]) {
  process.exitCode = undefined;
  const {stdout, stderr, error} = await captureOutput(() => command.run(argv, config));
  const exitCode = process.exitCode;
  process.exitCode = undefined;
  return {stdout, stderr, error, exitCode};
}

async function data<T>(command: Runnable, ...argv: string[]): Promise<T> {
  const {stdout} = await run(command, ...argv, '--json');
  return (JSON.parse(stdout) as {data: T}).data;
}

describe('cloudctl modal', () => {
  test('setup says which Python it is', async () => {
    const {stdout} = await run(ModalSetup);
    expect(stdout).toMatch(/^Python: +3\.\d+\.\d+\nModal: +1\.6\.4\nPath: +\//);
    expect(await data(ModalSetup)).toEqual({
      python: devPython,
      source: 'named',
      pythonVersion: expect.stringMatching(/^3\./),
      sdkVersion: '1.6.4',
    });
  });

  test('setup --rebuild leaves a Python of the user alone', async () => {
    const {stderr, exitCode} = await run(ModalSetup, '--rebuild');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Unset CLOUDCTL_MODAL_PYTHON');
  });

  test('local status of a server that does not run ends with 0', async () => {
    const {stdout, exitCode} = await run(ModalLocalStatus);
    expect(stdout).toMatch(/^Local Modal: +stopped$/m);
    expect(exitCode ?? 0).toBe(0);
    expect(await data(ModalLocalStatus)).toMatchObject({running: false});
  });

  test('local env starts the server and prints nothing but lines for a shell', async () => {
    const {stdout, stderr} = await run(ModalLocalEnv);
    expect(
      stdout
        .trim()
        .split('\n')
        .every(line => /^export MODAL_[A-Z_]+='[^']*'$/.test(line)),
    ).toBe(true);
    expect(stderr).toContain('Starting Local Modal');
    expect(existsSync(/MODAL_CONFIG_PATH='(.*)'/.exec(stdout)?.[1] ?? '/')).toBe(false);
    const {MODAL_TOKEN_ID: _, ...environment} = before;
    const {stdout: apps} = await promisify(execFile)(
      'sh',
      ['-c', `${stdout}\n'${devPython}' -m modal app list --json`],
      {
        env: environment,
      },
    );
    expect(JSON.parse(apps)).toEqual([]);
  });

  test('local start, status and stop tell the same', async () => {
    const started = await data<{pid: number; url: string}>(ModalLocalStart);
    expect(await data(ModalLocalStatus)).toEqual(started);
    expect((await run(ModalLocalStatus)).stdout).toContain(started.url);
    expect(await data(ModalLocalStop)).toEqual({stopped: true, pid: started.pid});
    expect(await data(ModalLocalStop)).toEqual({stopped: false, pid: null});
  });

  test('local reset asks; where nobody can answer it needs --yes', async () => {
    await run(ModalLocalStart);
    const refused = await run(ModalLocalReset);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('cloudctl modal local reset --yes');
    expect(await data(ModalLocalStatus)).toMatchObject({running: true});
    const {stdout} = await run(ModalLocalReset, '--yes', '--json');
    const answer = JSON.parse(stdout) as {data: {stateDirectory: string}; warnings: string[]};
    // The core is not there in this test.
    expect(answer).toMatchObject({
      data: {reset: true, forgotten: null},
      warnings: [expect.stringContaining('records')],
    });
    expect(existsSync(answer.data.stateDirectory)).toBe(false);
    expect(await data(ModalLocalStatus)).toMatchObject({running: false});
  });

  test.each([ModalLocalStart, ModalLocalStop, ModalLocalStatus, ModalLocalEnv, ModalSetup])(
    '$name takes no arguments',
    async command => {
      expect((await run(command, 'surplus')).exitCode).toBe(2);
    },
  );
});
