import {lstat, mkdir, readFile, stat} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {childEnvironment} from './environment.js';
import {isSupported, which} from './find-python.js';
import {run} from './process.js';
import {namedSdkUnusable} from './python-errors.js';
import type {PythonRuntime, RuntimeOptions} from './runtime.js';
import {writeAtomically} from './write.js';

/** A verdict that stays true while the file is the same. Only good ones are kept: bad ones get mended. */
interface Verdict {
  path: string;
  /** Of the link and of what it points to. */
  stamp: string;
  python: string;
}

const CHECK = `
import json, sys
found = {"executable": sys.executable, "version": list(sys.version_info[:3]), "modal": None, "problem": None}
try:
    import modal
    found["modal"] = modal.__version__
except BaseException as error:
    found["problem"] = "%s: %s" % (type(error).__name__, error)
print(json.dumps(found))
`;

interface Found {
  executable: string;
  version: [number, number, number];
  modal: string | null;
  problem: string | null;
}

const CHECK_MS = 60_000;

/**
 * The interpreter that `CLOUDCTL_MODAL_PYTHON` names, which must have the SDK.
 *
 * Asked once: the verdict lies in the cache directory, so that later runs start no Python for it.
 *
 * @throws CloudError exit 7
 */
export async function namedRuntime(named: string, options: RuntimeOptions): Promise<PythonRuntime> {
  const path = /[\\/]/.test(named) ? resolve(named) : which(named, options.environment)[0];
  if (path === undefined) throw namedSdkUnusable(named, 'it is not on PATH', 'Give its absolute path.');
  const stamp = await stampOf(path);
  if (stamp === undefined) throw namedSdkUnusable(named, 'there is no such file', 'Give its absolute path.');
  const cache = join(options.directories.cache, 'named-python.json');
  const known = await readVerdict(cache);
  if (known?.path === path && known.stamp === stamp) return {python: known.python, source: 'named'};
  const python = await check(named, path, options);
  try {
    await mkdir(options.directories.cache, {recursive: true});
    await writeAtomically(cache, JSON.stringify({path, stamp, python} satisfies Verdict));
  } catch (error) {
    options.debug?.(`runtime: the verdict on ${path} could not be kept: ${String(error)}`);
  }
  return {python, source: 'named'};
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const [link, file] = [await lstat(path), await stat(path)];
    return `${link.mtimeMs} ${file.mtimeMs} ${file.size}`;
  } catch {
    return undefined;
  }
}

async function readVerdict(file: string): Promise<Verdict | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Verdict;
  } catch {
    return undefined;
  }
}

async function check(named: string, path: string, options: RuntimeOptions): Promise<string> {
  const result = await run(path, ['-c', CHECK], {
    environment: childEnvironment(options.environment),
    signal: options.signal,
    timeout: CHECK_MS,
  });
  let found: Found;
  try {
    found = JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as Found;
  } catch {
    const why = result.error?.message ?? 'it does not run as a Python';
    throw namedSdkUnusable(named, why, 'Name a Python interpreter.');
  }
  if (!isSupported(found)) {
    throw namedSdkUnusable(named, `it is Python ${found.version.join('.')}`, 'Name Python 3.10 to 3.14.');
  }
  if (found.modal === null) {
    const why = `Modal's Python package cannot be imported (${found.problem ?? 'unknown'})`;
    throw namedSdkUnusable(named, why, `Install it: ${path} -m pip install "modal>=1.5.1"`);
  }
  return found.executable;
}
