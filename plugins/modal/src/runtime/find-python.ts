import {accessSync, constants, statSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import {childEnvironment, type Environment} from './environment.js';
import {run} from './process.js';
import {namedPythonUnusable, noPython, pythonOutOfRange, venvMissing} from './python-errors.js';

/** An interpreter as it describes itself. */
export interface Python {
  /** Absolute; of the installation, not of a shim or a virtual environment. */
  executable: string;
  version: readonly [number, number, number];
  /** Whether `python -m venv` can put pip into an environment. */
  venv: boolean;
  ssl: boolean;
}

/** What was tried, and what came of it: for the error when nothing fits. */
export interface Tried {
  command: string;
  python?: Python;
  problem?: string;
}

export interface FindOptions {
  environment: Environment;
  /** Absolute path of uv, where there is one: it needs no `venv` module. */
  uv?: string | undefined;
  cwd: string;
  signal?: AbortSignal | undefined;
  debug(message: string): void;
}

const OLDEST = 10;
const NEWEST = 14;
const PROBE_MS = 15_000;

/** Runs on any Python, however old. Beside `python3` there usually is `python3.11`, which an upgrade leaves alone. */
const PROBE = `
import json, os, sys
def has(name):
    try:
        __import__(name)
        return True
    except Exception:
        return False
exe = getattr(sys, "_base_executable", None) or sys.executable
named = os.path.join(os.path.dirname(exe), "python%d.%d" % sys.version_info[:2])
if os.path.exists(named):
    exe = named
print(json.dumps({"executable": exe, "version": list(sys.version_info[:3]), "venv": has("venv") and has("ensurepip"), "ssl": has("ssl")}))
`;

/** Absolute paths of a program on PATH, in its order. */
export function which(name: string, environment: Environment): string[] {
  const path = environment['PATH'] ?? environment['Path'] ?? '';
  const endings = process.platform === 'win32' ? (environment['PATHEXT'] ?? '.EXE;.CMD;.BAT').split(';') : [''];
  const found = path
    .split(delimiter)
    .filter(directory => directory !== '')
    .flatMap(directory => endings.map(ending => join(directory, name + ending)))
    .filter(isExecutable);
  return [...new Set(found)];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export function isSupported({version: [major, minor]}: Pick<Python, 'version'>): boolean {
  return major === 3 && minor >= OLDEST && minor <= NEWEST;
}

/** Asks an interpreter what it is. A shim without a version behind it, or something else by that name, is a problem. */
export async function probe(command: string, args: readonly string[], options: FindOptions): Promise<Tried> {
  const shown = [command, ...args].join(' ');
  const result = await run(command, [...args, '-c', PROBE], {
    environment: childEnvironment(options.environment),
    cwd: options.cwd,
    signal: options.signal,
    timeout: PROBE_MS,
  });
  if (result.error !== undefined) return {command: shown, problem: result.error.message};
  if (result.code !== 0) return {command: shown, problem: `does not run (exit code ${result.code ?? 'none'})`};
  try {
    const python = JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as Python;
    return {command: shown, python};
  } catch {
    return {command: shown, problem: 'is not a Python'};
  }
}

/** What can be wrong with a Python, or nothing. */
function problemOf(python: Python, uv: string | undefined): string | undefined {
  if (!isSupported(python)) return `is Python ${python.version.join('.')}`;
  if (!python.ssl) return 'has no ssl module';
  if (!python.venv && uv === undefined) return 'has no ensurepip module';
  return undefined;
}

/**
 * Finds a Python from 3.10 to 3.14 to build an environment from.
 *
 * @throws CloudError exit 7, with what was looked at and the command that installs one.
 */
export async function findPython(options: FindOptions): Promise<Python> {
  const named = options.environment['CLOUDCTL_PYTHON'];
  if (named !== undefined && named !== '') return namedPython(named, options);
  const tried: Tried[] = [];
  for (const [command, ...args] of candidates(options.environment)) {
    const attempt = await probe(command, args, options);
    const fit = judge(attempt, options, tried);
    if (fit !== undefined) return fit;
  }
  const managed = await managedByUv(options, tried);
  if (managed !== undefined) return managed;
  throw failure(tried, options);
}

function judge(attempt: Tried, options: FindOptions, tried: Tried[]): Python | undefined {
  const problem = attempt.python === undefined ? attempt.problem : problemOf(attempt.python, options.uv);
  options.debug(`runtime: ${attempt.command} ${problem ?? 'fits'}`);
  if (problem === undefined) return attempt.python;
  tried.push({...attempt, problem});
  return undefined;
}

function candidates(environment: Environment): [string, ...string[]][] {
  const minors = Array.from({length: NEWEST - OLDEST + 1}, (_, index) => NEWEST - index);
  const names = ['python3', ...minors.map(minor => `python3.${minor}`), 'python'];
  const found: [string, ...string[]][] = names.flatMap(name => which(name, environment)).map(file => [file]);
  if (process.platform === 'win32')
    found.push(...which('py', environment).map((file): [string, string] => [file, '-3']));
  return found;
}

async function namedPython(named: string, options: FindOptions): Promise<Python> {
  const command = /[\\/]/.test(named) ? named : which(named, options.environment)[0];
  if (command === undefined) throw namedPythonUnusable(named, 'it is not on PATH');
  const attempt = await probe(command, [], options);
  if (attempt.python === undefined) throw namedPythonUnusable(named, attempt.problem ?? 'it does not run');
  if (isSupported(attempt.python) && !attempt.python.venv && options.uv === undefined) throw venvMissing([attempt]);
  const problem = problemOf(attempt.python, options.uv);
  if (problem !== undefined) throw namedPythonUnusable(named, `it ${problem}`);
  return attempt.python;
}

/** One that uv has installed before. uv downloads none here. */
async function managedByUv(options: FindOptions, tried: Tried[]): Promise<Python | undefined> {
  if (options.uv === undefined) return undefined;
  const args = ['python', 'find', '--no-project', '--managed-python', `>=3.${OLDEST},<3.${NEWEST + 1}`];
  const result = await run(options.uv, args, {
    environment: {...childEnvironment(options.environment), UV_PYTHON_DOWNLOADS: 'never'},
    cwd: options.cwd,
    signal: options.signal,
    timeout: PROBE_MS,
  });
  const file = result.stdout.trim();
  if (result.code !== 0 || file === '') {
    tried.push({command: 'uv python find', problem: 'knows none'});
    return undefined;
  }
  return judge(await probe(file, [], options), options, tried);
}

function failure(tried: readonly Tried[], options: FindOptions): Error {
  const lacking = tried.filter(({python}) => python !== undefined && isSupported(python) && !python.venv);
  if (lacking.length > 0) return venvMissing(lacking);
  const others = tried.filter(({python}) => python !== undefined && !isSupported(python));
  if (others.length > 0) return pythonOutOfRange(others, options.uv !== undefined);
  return noPython(tried, options.uv !== undefined);
}
