import {mkdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import type {ProgressSink} from '@cloudctl/provider-sdk';
import type {Environment} from '../runtime/environment.js';
import {alone} from '../runtime/lock.js';
import type {PythonRuntime} from '../runtime/runtime.js';
import {checkAborted} from '../runtime/wait.js';
import {askStatus} from './control.js';
import {launch} from './launch.js';
import {isAlive, readServerFile, type ServerFile, serverVersion, stateDirectory} from './state.js';
import {endServer} from './stop.js';

/** A running Local Modal, and the token pair that it accepts. */
export interface LocalServer {
  /** For the SDK: `MODAL_SERVER_URL`. */
  url: string;
  controlUrl: string;
  tokenId: string;
  tokenSecret: string;
  pid: number;
}

export interface LocalOptions {
  /** The provider's own directories; made as needed. */
  readonly directories: {readonly cache: string; readonly data: string};
  readonly environment: Environment;
  /** Asked only when a server must be started. */
  readonly runtime: () => Promise<PythonRuntime>;
  readonly report?: ProgressSink | undefined;
  readonly debug?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Loopback answers in a millisecond; a busy machine takes longer. */
const STATUS_MS = 5000;

/**
 * Finds the running Local Modal, or starts it. It goes on after the CLI ends.
 *
 * The fast path is one read and one request over loopback. A server of another version is replaced; its state stays.
 *
 * @throws CloudError exit 7 when it cannot be started, with the end of its log.
 */
export async function ensureLocalServer(options: LocalOptions): Promise<LocalServer> {
  checkAborted(options.signal);
  const state = stateDirectory(options.directories);
  const version = await serverVersion();
  const running = await findServer(state);
  if (running !== undefined && running.version === version) return asLocalServer(running);
  await mkdir(state, {recursive: true, mode: 0o700});
  return withTransition(options, async () => {
    // Another CLI may have been faster while this one waited.
    const current = await findServer(state);
    if (current !== undefined && current.version === version) return asLocalServer(current);
    if (current !== undefined) {
      options.debug?.(`local: replacing the server of version ${current.version}`);
      await endServer(current);
    }
    return asLocalServer(await launch(state, version, options));
  });
}

/** Starting, stopping and resetting exclude each other: the port stays the same, so that one could hit the other's server. */
export function withTransition<T>(
  options: Pick<LocalOptions, 'directories' | 'signal' | 'debug'>,
  work: () => Promise<T>,
): Promise<T> {
  const state = stateDirectory(options.directories);
  const file = join(dirname(state), 'local.lock');
  return alone<T>({file, signal: options.signal, debug: options.debug}, work);
}

/** The server that its file names, when it lives and answers. */
export async function findServer(state: string): Promise<ServerFile | undefined> {
  const file = await readServerFile(state);
  if (file === undefined || !isAlive(file.pid)) return undefined;
  const status = await askStatus(file, STATUS_MS);
  return status === undefined ? undefined : {...file, version: status.version};
}

function asLocalServer({url, controlUrl, tokenId, tokenSecret, pid}: ServerFile): LocalServer {
  return {url, controlUrl, tokenId, tokenSecret, pid};
}
