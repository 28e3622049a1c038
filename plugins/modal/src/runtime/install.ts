import {join} from 'node:path';
import {childEnvironment, type Environment} from './environment.js';
import type {Python} from './find-python.js';
import {classify, installError, outputTail} from './install-errors.js';
import {isPipConfigured} from './pip-config.js';
import {type RunResult, run} from './process.js';
import {redactUrls} from './redact.js';

export interface InstallOptions {
  python: Python;
  /** Absolute path of uv, where there is one. */
  uv: string | undefined;
  /** The environment to create; does not exist yet. */
  directory: string;
  requirements: string;
  environment: Environment;
  signal?: AbortSignal | undefined;
  /** What happens now, in a word: the package that is handled. */
  onPackage(name: string): void;
  onLog(line: string): void;
  debug(message: string): void;
}

const MINUTE = 60_000;

/** pip's first try: seconds for each connection, so that a dead network shows soon. */
const IMPATIENT_SECONDS = 3;

/** Since the installation began: when to give up on a registry that has not answered ... */
const CONTACT_MS = 9000;

/** ... but pip, once it has said its first word, gets this long. */
const CONTACT_LEAST_MS = 4000;

/** Output that proves that some registry answered. Files of this machine do not. */
const CONTACT = /^\s*Downloading /;

/** A connection that could not be made. pip goes on, in the hope of another index. */
const REFUSED = /connection broken by '(NewConnectionError|ConnectTimeoutError|NameResolutionError|ProxyError)/;

/** A registry that is slow rather than absent. */
const SLOW = /Read timed out|ReadTimeoutError|IncompleteRead/;

/** Never mended by another try or by the other installer. */
const FINAL = new Set(['DISK_FULL', 'PACKAGE_HASH_MISMATCH', 'PERMISSION_DENIED']);

/** Where the interpreter of a virtual environment is. */
export function environmentPython(directory: string): string {
  return process.platform === 'win32' ? join(directory, 'Scripts', 'python.exe') : join(directory, 'bin', 'python');
}

/**
 * Creates a virtual environment and installs the locked packages into it.
 *
 * With uv where there is one. uv does not read pip's configuration, and so may miss a mirror that pip knows: where uv
 * fails and pip can be had, pip has its turn.
 *
 * @throws CloudError exit 7
 */
export async function install(options: InstallOptions): Promise<void> {
  const began = Date.now();
  if (options.uv === undefined) return installWithPip(options, began);
  const result = await installWithUv(options.uv, options);
  if (result.code === 0) return;
  const kind = classify(result.output);
  if (!options.python.venv || FINAL.has(kind ?? '')) throw installError(result.output, kind);
  if (kind === 'REGISTRY_UNREACHABLE' && !(await isPipConfigured(options.environment))) {
    throw installError(result.output, kind);
  }
  options.debug(`runtime: uv failed (${kind ?? 'unknown'}), going on with pip: ${outputTail(result.output)}`);
  return installWithPip(options, began);
}

async function installWithUv(uv: string, options: InstallOptions): Promise<RunResult> {
  const {directory, requirements} = options;
  const environment = {
    // Short, because pip comes after it. What the user has set wins.
    UV_HTTP_CONNECT_TIMEOUT: '2',
    UV_HTTP_RETRIES: '1',
    ...childEnvironment(options.environment),
  };
  const create = await step(
    uv,
    ['venv', '--no-project', '--clear', '--python', options.python.executable, directory],
    environment,
    options,
  );
  if (create.code !== 0) return create;
  const args = ['pip', 'install', '--python', environmentPython(directory), '--require-hashes', '--compile-bytecode'];
  return step(uv, [...args, '--requirements', requirements], environment, options);
}

async function installWithPip(options: InstallOptions, began: number): Promise<void> {
  const {directory, python} = options;
  const environment = {
    ...childEnvironment(options.environment),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    // Settings for the user's own installs that would put the packages elsewhere.
    PIP_USER: '0',
    PIP_REQUIRE_VIRTUALENV: '0',
  };
  for (const name of ['PIP_TARGET', 'PIP_PREFIX', 'PIP_ROOT'])
    delete (environment as Environment as Record<string, string>)[name];
  const create = await step(python.executable, ['-m', 'venv', '--clear', directory], environment, options);
  if (create.code !== 0) throw installError(create.output);
  const pip = (...settings: string[]): string[] => [
    ...['-m', 'pip', 'install', '--no-input', '--require-hashes', '--progress-bar', 'off', ...settings],
    ...['--requirement', options.requirements],
  ];
  const interpreter = environmentPython(directory);
  const impatient = pip('--timeout', String(IMPATIENT_SECONDS), '--retries', '1');
  const contact = new ContactWatch(began);
  const first = await step(interpreter, impatient, environment, options, contact).finally(() => contact.end());
  if (first.code === 0) return;
  const kind = contact.expired ? 'REGISTRY_UNREACHABLE' : classify(first.output);
  const alive = contact.made || SLOW.test(first.output);
  if (FINAL.has(kind ?? '') || !alive) throw installError(first.output, kind);
  options.debug(`runtime: pip failed (${kind ?? 'unknown'}); trying once more with patience`);
  const second = await step(interpreter, pip('--timeout', '60', '--retries', '5'), environment, options);
  if (second.code !== 0) throw installError(second.output);
}

/**
 * Ends pip when no registry has answered in time.
 *
 * Judged by connections that failed, and by silence: the resolving of a name has no time limit of its own.
 */
class ContactWatch {
  made = false;
  expired = false;
  #timer: NodeJS.Timeout | undefined;
  #refused = false;
  #spoke = 0;

  constructor(readonly began: number) {}

  line(line: string, stop: () => void): void {
    this.#spoke = Date.now();
    this.#refused ||= REFUSED.test(line);
    if (CONTACT.test(line) || SLOW.test(line)) {
      this.made = true;
      this.end();
    } else if (!this.made && this.#timer === undefined) {
      this.#watch(Math.max(CONTACT_LEAST_MS, this.began + CONTACT_MS - Date.now()), stop);
    }
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #watch(milliseconds: number, stop: () => void): void {
    this.#timer = setTimeout(() => {
      const silent = Date.now() - this.#spoke >= CONTACT_LEAST_MS;
      this.expired = this.#refused || silent;
      if (this.expired) stop();
      else this.#watch(500, stop);
    }, milliseconds);
  }
}

function step(
  command: string,
  args: readonly string[],
  environment: Environment,
  options: InstallOptions,
  contact?: ContactWatch,
): Promise<RunResult> {
  options.debug(`runtime: ${redactUrls([command, ...args].join(' '))}`);
  return run(command, args, {
    environment,
    // Not the user's project: uv would read its settings.
    cwd: join(options.directory, '..'),
    signal: options.signal,
    timeout: 15 * MINUTE,
    onLine: (line, stop) => {
      contact?.line(line, stop);
      const name = packageIn(line);
      if (name !== undefined) options.onPackage(name);
      options.onLog(redactUrls(line.trim()));
    },
  });
}

/** The package that a line of pip or uv is about: `Collecting modal==1.6.4`, `Processing /wheels/rich-15.0-py3.whl`. */
export function packageIn(line: string): string | undefined {
  const subject = /^\s*(?:Collecting|Downloading|Processing|Building|\+)\s+(\S+)/.exec(line)?.[1];
  const name = subject?.split(/[\\/]/).at(-1);
  return name === undefined
    ? undefined
    : /^([A-Za-z][\w.-]*?)(?:-\d.*|[=<>~!@[;].*)?$/.exec(name)?.[1]?.replaceAll('_', '-');
}
