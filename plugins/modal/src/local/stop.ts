import {pause} from '../runtime/wait.js';
import {askShutdown} from './control.js';
import {stopFailed} from './errors.js';
import {isAlive, type ServerFile} from './state.js';

const ASK_MS = 2000;

/** How long each way of ending gets: by request, SIGTERM, SIGKILL. Running functions are ended on the way. */
const GRACEFUL_MS = 10_000;
const TERM_MS = 3000;
const KILL_MS = 3000;
const POLL_MS = 50;

/**
 * Ends a server that has just confirmed its process id.
 *
 * @throws CloudError exit 7 when it lives on.
 */
export async function endServer(server: ServerFile): Promise<void> {
  if ((await askShutdown(server, ASK_MS)) && (await isGone(server.pid, GRACEFUL_MS))) return;
  await endProcess(server.pid, TERM_MS);
}

/**
 * Ends a server by signals: one that cannot be asked, and that its command line has confirmed.
 *
 * @throws CloudError exit 7 when it lives on.
 */
export async function endProcess(pid: number, patience = GRACEFUL_MS): Promise<void> {
  for (const [signal, milliseconds] of [
    ['SIGTERM', patience],
    ['SIGKILL', KILL_MS],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      // It is gone.
    }
    if (await isGone(pid, milliseconds)) return;
  }
  throw stopFailed(pid);
}

async function isGone(pid: number, milliseconds: number): Promise<boolean> {
  for (const until = Date.now() + milliseconds; Date.now() < until; ) {
    if (!isAlive(pid)) return true;
    await pause(POLL_MS);
  }
  return !isAlive(pid);
}
