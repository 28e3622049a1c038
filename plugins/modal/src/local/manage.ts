import {mkdir, rm} from 'node:fs/promises';
import {askStatus} from './control.js';
import {unconfirmed} from './errors.js';
import {isServerOf, lockHolder} from './holder.js';
import {findServer, type LocalOptions, withTransition} from './server.js';
import {isAlive, readServerFile, stateDirectory} from './state.js';
import {endProcess, endServer} from './stop.js';

export type ManageOptions = Pick<LocalOptions, 'directories' | 'signal' | 'debug'>;

/** Local Modal as it is now. The counts are absent while it does not run, or cannot be reached. */
export interface LocalStatus {
  running: boolean;
  pid?: number;
  url?: string;
  version?: string;
  stateDirectory: string;
  apps?: number;
  functions?: number;
  volumes?: number;
  containers?: number;
}

const STATUS_MS = 5000;

/** Looks whether the server runs, and what it holds. Starts nothing. */
export async function localServerStatus(options: ManageOptions): Promise<LocalStatus> {
  const state = stateDirectory(options.directories);
  const file = await readServerFile(state);
  const status = file !== undefined && isAlive(file.pid) ? await askStatus(file, STATUS_MS) : undefined;
  if (file === undefined || status === undefined) {
    const pid = await unreachable(state);
    return {running: pid !== undefined, ...(pid === undefined ? {} : {pid}), stateDirectory: state};
  }
  const {version, apps, functions, volumes, containers} = status;
  return {
    running: true,
    pid: file.pid,
    url: file.url,
    version,
    stateDirectory: state,
    apps,
    functions,
    volumes,
    containers,
  };
}

/**
 * Ends the server.
 *
 * @returns its process id, or nothing where none ran.
 * @throws CloudError exit 7 when it does not end, or a process with its id does not answer.
 */
export async function stopLocalServer(options: ManageOptions): Promise<number | undefined> {
  const state = stateDirectory(options.directories);
  if ((await readServerFile(state)) === undefined && (await lockHolder(state)) === undefined) return undefined;
  return withTransition(options, () => stop(state));
}

async function stop(state: string): Promise<number | undefined> {
  const server = await findServer(state);
  if (server !== undefined) {
    await endServer(server);
    return server.pid;
  }
  const pid = await unreachable(state);
  if (pid !== undefined) {
    await endProcess(pid);
    return pid;
  }
  const file = await readServerFile(state);
  if (file !== undefined && (await isServerOf(state, file.pid))) throw unconfirmed(file.pid, state);
  return undefined;
}

/** A server that has the directory while no usable file says where it listens. */
async function unreachable(state: string): Promise<number | undefined> {
  const [pid, file] = await Promise.all([lockHolder(state), readServerFile(state)]);
  return pid === file?.pid ? undefined : pid;
}

/** Ends the server and deletes its state: apps, volumes, secrets, ports and tokens. */
export async function resetLocalServer(options: ManageOptions): Promise<void> {
  const state = stateDirectory(options.directories);
  await mkdir(options.directories.data, {recursive: true});
  await withTransition(options, async () => {
    await stop(state);
    await rm(state, {recursive: true, force: true, maxRetries: 5});
  });
}
