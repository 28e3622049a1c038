/**
 * `npm run bench`: ratios within one run, never absolute times. Not a test: machines are noisy.
 *
 * Words after `--` choose parts: `npm run bench -- start-up projects`.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {buildAll, installPackages, makePythonEnvironment} from '../scripts/setup.mjs';
import {capture, root, venvPython} from '../scripts/steps.mjs';
import {command, compare, report} from './measure.mjs';

await installPackages();
await buildAll();
await makePythonEnvironment();

const home = mkdtempSync(join(tmpdir(), 'cloudctl-bench-'));
const cli = join(root, 'bin/run.js');
const env = {
  ...process.env,
  CLOUDCTL_DATA_DIR: join(home, 'data'),
  CLOUDCTL_CACHE_DIR: join(home, 'cache'),
  CLOUDCTL_CONFIG_DIR: join(home, 'config'),
  CLOUDCTL_MODAL_PYTHON: venvPython,
  CLOUDCTL_MODAL_TARGET: 'local',
};
const cloudctl = (...args) =>
  command(process.execPath, [cli, ...args], {env, cwd: join(root, 'examples/image-generator')});

async function startUp() {
  const subjects = {
    'node -e 0': command(process.execPath, ['-e', '0'], {env}),
    '--version': cloudctl('--version'),
    '--help': cloudctl('--help'),
    providers: cloudctl('providers'),
  };
  report('Start-up', await compare(subjects, 15), 'node -e 0', 'at most 3 x');
}

/** What points the stock `modal` command to the Local Modal of this run. */
async function pointers() {
  await cloudctl('modal', 'local', 'start')();
  const {stdout} = await capture(process.execPath, [cli, 'modal', 'local', 'env'], {env});
  return Object.fromEntries([...stdout.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]));
}

async function listing() {
  await cloudctl('deploy', 'ai', 'image-generator')();
  const pointed = await pointers();
  const stock = command(venvPython, ['-m', 'modal', 'app', 'list', '--json'], {env: {...env, ...pointed}});
  report(
    'A list from the same Local Modal',
    await compare(
      {'modal app list': stock, 'list ai': cloudctl('list', 'ai'), 'list ai --json': cloudctl('list', 'ai', '--json')},
      9,
    ),
    'modal app list',
    'not slower',
  );
}

try {
  await capture(process.execPath, [cli, 'plugins', 'link', join(root, 'plugins/modal'), '--no-install'], {env});
  const parts = {
    'start-up': startUp,
    list: listing,
    projects: async () => (await import('./projects.mjs')).benchProjects({home, env, pointed: await pointers()}),
    bridge: async () => (await import('./bridge.mjs')).benchBridge(),
    packaging: async () => (await import('./packaging.mjs')).benchPackaging({home, cli, env}),
  };
  const chosen = process.argv.slice(2);
  for (const [name, part] of Object.entries(parts)) if (chosen.length === 0 || chosen.includes(name)) await part();
} finally {
  await capture(process.execPath, [cli, 'modal', 'local', 'stop'], {env});
  rmSync(home, {recursive: true, force: true});
  for (const folder of ['dist/bench', 'plugins/modal/dist/bench'])
    rmSync(join(root, folder), {recursive: true, force: true});
}
