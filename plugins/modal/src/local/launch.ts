import {type ChildProcess, spawn} from 'node:child_process';
import {join} from 'node:path';
import {absentConfigPath, childEnvironment} from '../runtime/environment.js';
import {pythonFolder} from '../runtime/package-root.js';
import {pause} from '../runtime/wait.js';
import {askStatus} from './control.js';
import {startFailed, startTimedOut, unconfirmed} from './errors.js';
import {lockedBy, lockHolder} from './holder.js';
import {logFile, logTail, openLog, sizeOf} from './log.js';
import type {LocalOptions} from './server.js';
import {isAlive, readServerFile, type ServerFile} from './state.js';
import {endProcess} from './stop.js';

const READY_MS = 15_000;
const POLL_MS = 40;
const LOCKED_MS = 500;
const STATUS_MS = 5000;

/** How long a server that has the directory gets to say where it listens. */
const UNREACHABLE_MS = 2000;

/** The server's exit code when another one has the state directory. */
const LOCKED = 3;

/**
 * Starts a server that has nothing of this process but its environment's allowed part, and waits until it answers.
 *
 * @throws CloudError exit 7
 */
export async function launch(state: string, version: string, options: LocalOptions): Promise<ServerFile> {
  const {python} = await options.runtime();
  const stage = (name: 'running' | 'done' | 'failed', detail?: string): void =>
    options.report?.({
      kind: 'stage',
      id: 'local-server',
      title: 'Starting Local Modal',
      state: name,
      ...(detail === undefined ? {} : {detail}),
    });
  stage('running');
  try {
    const server = await start(python, state, version, options);
    stage('done', server.url);
    return server;
  } catch (error) {
    stage('failed');
    throw error;
  }
}

async function start(python: string, state: string, version: string, options: LocalOptions): Promise<ServerFile> {
  let until = Date.now() + READY_MS;
  const file = logFile(state);
  const begin = await sizeOf(file);
  let attempt = await spawnServer(python, state, version, options);
  let refused: number | undefined;
  while (Date.now() < until) {
    const server = await readServerFile(state);
    if (server !== undefined && isAlive(server.pid) && (await askStatus(server, STATUS_MS)) !== undefined)
      return server;
    const {end} = attempt;
    if (end?.error !== undefined) throw startFailed(end.error.message, file, null);
    if (end !== undefined && end.code !== LOCKED) throw startFailed(await logTail(file, begin), file, end.code);
    await pause(end === undefined ? POLL_MS : LOCKED_MS, options.signal);
    if (end === undefined) continue;
    // Another server has the directory: about to be ready, about to end and leave it free, or out of reach.
    const holder = await lockHolder(state);
    if (holder !== undefined) {
      refused ??= Date.now();
      if (server?.pid === holder || Date.now() - refused < UNREACHABLE_MS) continue;
      options.debug?.(`local: ending process ${holder}, which no server file names`);
      await endProcess(holder);
      until = Date.now() + READY_MS;
    }
    attempt = await spawnServer(python, state, version, options);
  }
  if (attempt.end?.code === LOCKED) {
    const pid = (await lockedBy(state)) ?? (await readServerFile(state))?.pid;
    if (pid !== undefined) throw unconfirmed(pid, state);
  }
  // Started, and too slow: left running it would take a later start by surprise.
  if (attempt.end === undefined) attempt.child.kill('SIGTERM');
  throw startTimedOut(await logTail(file, begin), file, READY_MS / 1000);
}

interface Attempt {
  child: ChildProcess;
  /** How it ended, once it has. */
  end: {code: number | null; error?: Error} | undefined;
}

async function spawnServer(python: string, state: string, version: string, options: LocalOptions): Promise<Attempt> {
  const handle = await openLog(state);
  try {
    // By its path rather than with -m: that needs no PYTHONPATH, which the deployed functions would inherit.
    const script = join(pythonFolder(), 'modal_local', '__main__.py');
    const child = spawn(python, ['-X', 'utf8', script, 'serve', '--state', state, '--version', version], {
      cwd: state,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', handle.fd, handle.fd],
      env: {...childEnvironment(options.environment), MODAL_CONFIG_PATH: absentConfigPath(state)},
    });
    const attempt: Attempt = {child, end: undefined};
    child.on('error', error => {
      attempt.end = {code: null, error};
    });
    child.on('exit', code => {
      attempt.end ??= {code};
    });
    child.unref();
    options.debug?.(`local: started process ${child.pid ?? 'none'}`);
    return attempt;
  } finally {
    await handle.close();
  }
}
