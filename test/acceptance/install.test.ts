import {execFileSync} from 'node:child_process';
import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from '@jest/globals';
import {Machine, python, repository} from './harness.js';

/** The registry is a true boundary: npm gives our dependencies from it, and nothing of ours. */
const home = mkdtempSync(join(tmpdir(), 'cloudctl-install-'));
const machine = new Machine({plugins: []});
/** oclif takes an installed plugin away when installing it again fails, so that this is tried elsewhere. */
const other = new Machine({plugins: []});
const prefix = join(home, 'prefix');
const cloudctl = join(prefix, 'bin/cloudctl');
// npm's settings of whoever runs the tests: a registry, a certificate, a cache.
const npmSettings = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    /^(npm_config_(registry|cafile|cache|userconfig)|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|https?_proxy|no_proxy)$/i.test(
      name,
    ),
  ),
) as Record<string, string>;

const npm = (...args: string[]): string =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: repository,
    encoding: 'utf8',
    timeout: 150_000,
    env: {...process.env, NODE_OPTIONS: ''},
  });
const on = (where: Machine, args: string[]): string =>
  execFileSync(cloudctl, args, {
    cwd: home,
    encoding: 'utf8',
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {...where.env, ...npmSettings},
  });

const run = (...args: string[]): string => on(machine, args);

beforeAll(() => {
  npm('pack', '--pack-destination', home);
  npm('pack', '--workspace', 'plugins/modal', '--pack-destination', home);
  const [cli] = readdirSync(home).filter(name => /^cloudctl-\d/.test(name));
  npm('install', '--global', '--prefix', prefix, '--prefer-offline', join(home, cli!));
}, 180_000);

afterAll(async () => {
  await machine.dispose();
  await other.dispose();
  rmSync(home, {recursive: true, force: true});
});

test('a packed CLI and a packed plugin install, and the plugin works', () => {
  expect(run('--version')).toMatch(/^cloudctl\/0\.1\.0 /);
  expect(run('providers')).toContain('No provider is installed');
  const [plugin] = readdirSync(home).filter(name => name.startsWith('cloudctl-plugin-modal'));
  run('plugins', 'install', `file://${join(home, plugin!)}`);
  expect(run('providers')).toContain('Provider: modal');
  expect(run('cost', '--provider', 'modal')).toBe('Provider: modal\n');
  // Nothing that only draws or only tests is installed with it.
  for (const name of ['ink', 'react', 'cloudctl', '@cloudctl/provider-sdk'])
    expect(existsSync(join(machine.dataDirectory, 'node_modules', name))).toBe(false);
  const root = join(machine.dataDirectory, 'node_modules/@cloudctl/plugin-modal');
  expect(readdirSync(root).sort()).toEqual([
    'LICENSE',
    'README.md',
    'dist',
    'oclif.manifest.json',
    'package.json',
    'protocol',
    'python',
  ]);
  expect(readFileSync(join(root, 'python/requirements.lock'), 'utf8')).toContain('--hash=sha256:');
  expect(execFileSync('find', [root, '-name', '__pycache__', '-o', '-name', 'tests'], {encoding: 'utf8'})).toBe('');
  // The installed copy finds its own Python part.
  const resources = JSON.parse(run('list', 'storage', '--json')) as {data: object};
  expect(resources.data).toEqual({resources: []});
  expect(machine.env['CLOUDCTL_MODAL_PYTHON']).toBe(python);
}, 180_000);

test('a short name means our scope: an unrelated package called "modal" is never installed', () => {
  let output = '';
  try {
    on(other, ['plugins', 'install', 'modal']);
  } catch (error) {
    const {stdout, stderr} = error as {stdout: string; stderr: string};
    output = stdout + stderr;
  }
  expect(output).toMatch(/@cloudctl\/plugin-modal/);
  expect(existsSync(join(other.dataDirectory, 'node_modules/modal'))).toBe(false);
}, 120_000);
