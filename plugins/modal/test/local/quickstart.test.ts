import {spawn, spawnSync} from 'node:child_process';
import {cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {describe, expect, test} from '@jest/globals';
import {devPython, isAlive, pluginRoot, temporary, until} from '../support.js';

/** Stands in for the CLI: notes its arguments, installs the plugin, and can nothing else. */
const FAKE_CLI = `
const {appendFileSync, mkdirSync, writeFileSync} = require('node:fs');
appendFileSync('@ROOT@/calls', process.argv.slice(2, 4).join(' ') + '\\n');
if (process.argv[2] !== 'plugins') process.exit(5);
const data = process.env.CLOUDCTL_DATA_DIR;
mkdirSync(data + '/node_modules/@cloudctl/plugin-modal', {recursive: true});
writeFileSync(data + '/node_modules/@cloudctl/plugin-modal/package.json', '{}');
writeFileSync(data + '/package.json', '{"oclif": {"plugins": [{"name": "@cloudctl/plugin-modal"}]}}');
`;

/** A checkout that has the scripts, and nothing installed or built. */
function checkout() {
  const root = temporary();
  const put = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), {recursive: true});
    writeFileSync(join(root, file), text);
  };
  cpSync(resolve(pluginRoot, '../../scripts'), join(root, 'scripts'), {recursive: true});
  const quickstart = (...args: string[]) =>
    spawnSync(process.execPath, ['scripts/quickstart.mjs', ...args], {
      cwd: root,
      encoding: 'utf8',
      env: {PATH: process.env['PATH'], npm_execpath: join(root, 'npm.js')},
    });
  return {root, put, quickstart, data: join(root, '.quickstart/data')};
}

describe('the quickstart', () => {
  test('installs the plugin again when it is lost, and fails in one line', () => {
    const {root, put, quickstart, data} = checkout();
    put('npm.js', '');
    put('scripts/build.mjs', '');
    put('plugins/modal/package.json', '{"version": "0.1.0"}');
    put('examples/image-generator/main.py', '');
    put('bin/run.js', FAKE_CLI.replace('@ROOT@', root));
    const calls = (): string[] => {
      put('calls', '');
      const {status, stderr} = quickstart();
      expect(stderr).toMatch(/^quickstart: .*run\.js ended with 5\n$/);
      expect(status).toBe(1);
      return readFileSync(join(root, 'calls'), 'utf8').trim().split('\n');
    };
    expect(calls()).toEqual(['plugins install', 'providers']);
    expect(calls()).toEqual(['providers']);
    rmSync(join(data, 'node_modules'), {recursive: true});
    expect(calls()).toEqual(['plugins install', 'providers']);
    writeFileSync(join(data, 'package.json'), '{"oclif": {"plugins": []}}');
    expect(calls()).toEqual(['plugins install', 'providers']);
  });

  test.each(['server.json', 'server.lock'])('cleans without the CLI when %s is damaged', async damaged => {
    const {root, quickstart, data} = checkout();
    const state = join(data, 'providers/modal/local');
    const script = join(pluginRoot, 'python/modal_local/__main__.py');
    const server = spawn(devPython, [script, 'serve', '--state', state, '--version', 'x'], {stdio: 'ignore'});
    try {
      await until(() => existsSync(join(state, 'server.json')), 15_000);
      writeFileSync(join(state, damaged), 'garbage');
      expect(quickstart('--clean')).toMatchObject({status: 0, stderr: '', stdout: 'Removed .quickstart\n'});
      await until(() => server.exitCode !== null);
      expect(existsSync(join(root, '.quickstart'))).toBe(false);
      expect(quickstart('--clean')).toMatchObject({status: 0, stdout: 'There is nothing to clean.\n'});
    } finally {
      server.kill('SIGKILL');
    }
  });

  test('cleans without ending a stranger that has got the id of the server', () => {
    const {root, put, quickstart} = checkout();
    const stranger = spawn('sleep', ['60']);
    try {
      put('.quickstart/data/providers/modal/local/server.lock', `${stranger.pid}\n`);
      put('.quickstart/data/providers/modal/local/server.json', JSON.stringify({pid: stranger.pid}));
      expect(quickstart('--clean')).toMatchObject({status: 0});
      expect(existsSync(join(root, '.quickstart'))).toBe(false);
      expect(isAlive(stranger.pid ?? 0)).toBe(true);
      expect(stranger.signalCode).toBeNull();
    } finally {
      stranger.kill();
    }
  });
});
