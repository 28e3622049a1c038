/**
 * Brings a fresh clone to where everything runs, and does nothing where nothing changed.
 *
 * `node scripts/setup.mjs` installs and builds; `--python` also makes the developers' Python environment.
 */
import {existsSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {capture, digestOf, npm, root, run, venv, venvPython, whenChanged} from './steps.mjs';

const MANIFESTS = [
  'package.json',
  'package-lock.json',
  'packages/provider-sdk/package.json',
  'plugins/modal/package.json',
];
const SOURCES = [
  'src',
  'packages/provider-sdk/src',
  'plugins/modal/src',
  'scripts/build.mjs',
  'scripts/manifest.mjs',
  ...MANIFESTS,
];
const REQUIREMENTS = 'plugins/modal/python';

export async function installPackages() {
  const due = existsSync(join(root, 'node_modules')) ? digestOf(MANIFESTS) : `${digestOf(MANIFESTS)} missing`;
  await whenChanged('packages', due, async () => {
    console.log('Installing packages (npm ci) ...');
    await npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  });
  // The stamp is for the folder that is there now.
  await whenChanged('packages', digestOf(MANIFESTS), async () => undefined);
}

export async function buildAll() {
  const due = existsSync(join(root, 'dist/main.js')) && existsSync(join(root, 'plugins/modal/dist/provider.js'));
  await whenChanged('build', `${due} ${digestOf(SOURCES)}`, async () => {
    console.log('Building ...');
    await run(process.execPath, ['scripts/build.mjs']);
  });
  await whenChanged('build', `true ${digestOf(SOURCES)}`, async () => undefined);
}

/** The first interpreter that the SDK runs on. */
async function findPython() {
  for (const candidate of [
    process.env.CLOUDCTL_PYTHON,
    'python3.11',
    'python3',
    'python3.13',
    'python3.12',
    'python3.14',
    'python3.10',
    'python',
  ].filter(Boolean)) {
    const {code, stdout} = await capture(candidate, [
      '-c',
      'import sys; print(sys.executable if (3, 10) <= sys.version_info < (3, 15) else "")',
    ]);
    if (code === 0 && stdout.trim() !== '') return stdout.trim();
  }
  throw new Error('No Python from 3.10 to 3.14 was found. On Debian: apt-get install python3 python3-venv');
}

export async function makePythonEnvironment() {
  const locks = ['requirements.lock', 'requirements-dev.lock'].map(file => `${REQUIREMENTS}/${file}`);
  await whenChanged('python', `${existsSync(venvPython)} ${digestOf(locks)}`, async () => {
    console.log('Making the Python environment for tests ...');
    rmSync(venv, {recursive: true, force: true});
    await run(await findPython(), ['-m', 'venv', venv]);
    await run(venvPython, [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--no-input',
      '--disable-pip-version-check',
      '--require-hashes',
      ...locks.flatMap(lock => ['-r', join(root, lock)]),
    ]);
  });
  await whenChanged('python', `true ${digestOf(locks)}`, async () => undefined);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  await installPackages();
  await buildAll();
  if (process.argv.includes('--python')) await makePythonEnvironment();
}
