/** `npm run bench`: ratios within one run, never absolute times. Not a test: machines are noisy. */
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {buildAll, installPackages, makePythonEnvironment} from '../scripts/setup.mjs';
import {capture, root, venvPython} from '../scripts/steps.mjs';
import {command, compare, importSources, report} from './measure.mjs';

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

async function listing() {
  await cloudctl('deploy', 'ai', 'image-generator')();
  const {stdout} = await capture(process.execPath, [cli, 'modal', 'local', 'env'], {env});
  const pointed = Object.fromEntries(
    [...stdout.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]),
  );
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

/** 20,000 small files in 200 folders, as a data-heavy project has them. */
function makeTree() {
  const tree = join(home, 'tree');
  for (let folder = 0; folder < 200; folder++) {
    mkdirSync(join(tree, `folder${folder}`), {recursive: true});
    for (let file = 0; file < 100; file++)
      writeFileSync(join(tree, `folder${folder}`, `file${file}.py`), `value = ${folder * 100 + file}\n`.repeat(20));
  }
  return tree;
}

async function packaging() {
  const sources =
    "export {readPackage} from './src/packaging/package.ts'; export {Snapshots} from './src/ledger/snapshots.ts';";
  const {readPackage, Snapshots} = await importSources(sources, 'dist/bench/packaging.mjs');
  const tree = makeTree();
  let round = 0;
  const subjects = {
    'tar -cf': command('tar', ['-cf', join(home, 'tree.tar'), '-C', tree, '.']),
    'digest only (nothing changed)': async () => readPackage(tree),
    'digest and snapshot': async () => new Snapshots(join(home, `snapshots${round++}`)).keep(readPackage(tree)),
  };
  report('Packaging 20,000 files', await compare(subjects, 3), 'tar -cf');
}

try {
  await capture(process.execPath, [cli, 'plugins', 'link', join(root, 'plugins/modal'), '--no-install'], {env});
  await startUp();
  await listing();
  const {benchBridge} = await import('./bridge.mjs');
  await benchBridge();
  await packaging();
} finally {
  await capture(process.execPath, [cli, 'modal', 'local', 'stop'], {env});
  rmSync(home, {recursive: true, force: true});
  for (const folder of ['dist/bench', 'plugins/modal/dist/bench'])
    rmSync(join(root, folder), {recursive: true, force: true});
}
