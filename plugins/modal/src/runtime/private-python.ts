import {createHash, randomBytes} from 'node:crypto';
import {accessSync, constants} from 'node:fs';
import {mkdir, readdir, readFile, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {isCloudError} from '@cloudctl/provider-sdk';
import {childEnvironment} from './environment.js';
import {findPython, type Python, which} from './find-python.js';
import {environmentPython, install} from './install.js';
import {fileError, installError} from './install-errors.js';
import {alone} from './lock.js';
import {pythonFolder} from './package-root.js';
import {run} from './process.js';
import type {PythonRuntime, RuntimeOptions} from './runtime.js';
import {writeAtomically} from './write.js';

/** What the marker of a finished environment says. */
export interface Ready {
  format: 1;
  /** Absolute path of the environment's interpreter. */
  python: string;
  directory: string;
  version: string;
  /** Version of the SDK. */
  modal: string;
}

const STAGE = 'python-environment';
const PACKAGES = 'python-packages';

/** Where the environments, their markers and their locks are. */
function rootOf(options: RuntimeOptions): string {
  return join(options.directories.data, 'python');
}

function lockFile(): string {
  return join(pythonFolder(), 'requirements.lock');
}

/** Names what an environment is made from: the locked packages, and the Python that the user asks for. */
async function keyOf(options: RuntimeOptions): Promise<string> {
  const hash = createHash('sha256').update(await readFile(lockFile()));
  const named = options.environment['CLOUDCTL_PYTHON'];
  if (named) hash.update(`\0${named}`);
  return hash.digest('hex').slice(0, 12);
}

/** The finished environment, or nothing. Reads the marker and looks whether the interpreter is still there. */
async function readReady(root: string, key: string): Promise<Ready | undefined> {
  try {
    const ready = JSON.parse(await readFile(join(root, `${key}.json`), 'utf8')) as Ready;
    // Follows links: an environment whose base installation is gone counts as none.
    accessSync(ready.python, constants.X_OK);
    return ready.format === 1 ? ready : undefined;
  } catch {
    return undefined;
  }
}

/** The private environment if it is there; starts nothing. */
export async function readyRuntime(options: RuntimeOptions): Promise<Ready | undefined> {
  return readReady(rootOf(options), await keyOf(options));
}

/**
 * The plugin's own environment, built at its first use.
 *
 * A build goes into a directory of its own, and the marker that names it is written last: what is without a marker is
 * never used, and is removed by the next build. Of several CLIs one builds and the others wait.
 *
 * @param rebuild builds a new one even if there is one.
 * @throws CloudError exit 7
 */
export async function privateRuntime(options: RuntimeOptions, rebuild = false): Promise<PythonRuntime> {
  const root = rootOf(options);
  const key = await keyOf(options);
  const ready = rebuild ? undefined : await readReady(root, key);
  if (ready !== undefined) return {python: ready.python, source: 'private'};
  try {
    await mkdir(root, {recursive: true});
    return {python: (await buildAlone(root, key, options, rebuild)).python, source: 'private'};
  } catch (error) {
    throw isCloudError(error) ? error : fileError(error);
  }
}

async function buildAlone(root: string, key: string, options: RuntimeOptions, rebuild: boolean): Promise<Ready> {
  const stage = reporter(options, 'python-wait', 'Waiting for another CloudCTL that builds the Python environment');
  let waited = false;
  const ready = await alone<Ready>(
    {
      file: join(root, `${key}.lock`),
      signal: options.signal,
      debug: options.debug,
      onWait: () => {
        waited = true;
        stage('running');
      },
      settled: async () => (rebuild ? undefined : readReady(root, key)),
    },
    () => build(root, key, options),
  );
  if (waited) stage('done');
  return ready;
}

async function build(root: string, key: string, options: RuntimeOptions): Promise<Ready> {
  const debug = options.debug ?? (() => undefined);
  await removeLeftovers(root, key, debug);
  const uv = which('uv', options.environment)[0];
  const find = {environment: options.environment, uv, cwd: root, signal: options.signal, debug};
  const stage = reporter(options, STAGE, 'Creating the Python environment');
  stage('running');
  let directory: string | undefined;
  try {
    const python = await findPython(find);
    stage('running', `Python ${python.version.join('.')}`);
    directory = join(
      root,
      `${key}-${python.version[0]}.${python.version[1]}-${process.pid}-${randomBytes(3).toString('hex')}`,
    );
    await fill(directory, python, uv, options, debug);
    const ready = await verify(directory, python, options);
    await writeAtomically(join(root, `${key}.json`), JSON.stringify(ready));
    stage('done', `Python ${ready.version}, modal ${ready.modal}`);
    return ready;
  } catch (error) {
    stage('failed');
    if (directory !== undefined) await rm(directory, {recursive: true, force: true}).catch(() => undefined);
    throw error;
  }
}

async function fill(
  directory: string,
  python: Python,
  uv: string | undefined,
  options: RuntimeOptions,
  debug: (message: string) => void,
): Promise<void> {
  const stage = reporter(options, PACKAGES, 'Installing the Modal SDK');
  stage('running');
  try {
    await install({
      python,
      uv,
      directory,
      requirements: lockFile(),
      environment: options.environment,
      signal: options.signal,
      onPackage: name => stage('running', name),
      onLog: text => {
        options.report?.({kind: 'log', id: PACKAGES, text});
        debug(`runtime: ${text}`);
      },
      debug,
    });
    stage('done');
  } catch (error) {
    stage('failed');
    throw error;
  }
}

/** Imports the SDK once: proof that the environment works, and the first import is slow. */
async function verify(directory: string, python: Python, options: RuntimeOptions): Promise<Ready> {
  const executable = environmentPython(directory);
  const result = await run(executable, ['-c', 'import modal; print(modal.__version__)'], {
    environment: childEnvironment(options.environment),
    signal: options.signal,
    timeout: 120_000,
  });
  if (result.code !== 0) throw installError(result.output === '' ? 'The SDK cannot be imported.' : result.output);
  const modal = result.stdout.trim().split('\n').at(-1) ?? '';
  return {format: 1, python: executable, directory, version: python.version.join('.'), modal};
}

function reporter(options: RuntimeOptions, id: string, title: string) {
  return (state: 'running' | 'done' | 'failed', detail?: string): void =>
    options.report?.({kind: 'stage', id, title, state, ...(detail === undefined ? {} : {detail})});
}

/** Removes what interrupted builds of this environment have left. A directory is named after the process that fills it. */
async function removeLeftovers(root: string, key: string, debug: (message: string) => void): Promise<void> {
  const current = await readReady(root, key);
  for (const name of await readdir(root)) {
    const [, pid] = new RegExp(`^${key}-[0-9.]+-([0-9]+)-[0-9a-f]+$`).exec(name) ?? [];
    const directory = join(root, name);
    if (pid === undefined || directory === current?.directory) continue;
    if (Number(pid) !== process.pid && isAlive(Number(pid)) && (await isRecent(directory))) continue;
    debug(`runtime: removing what an interrupted build left: ${directory}`);
    await rm(directory, {recursive: true, force: true});
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Process ids come round again; no build takes a day. */
async function isRecent(directory: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(directory)).mtimeMs < 24 * 60 * 60 * 1000;
  } catch {
    return false;
  }
}
