import {type CloudError, environmentError} from '@cloudctl/provider-sdk';

const PROVIDER = 'modal';
const AGAIN = 'If it happens again: cloudctl modal local reset';

/** The server ended before it was ready. */
export function startFailed(log: string, file: string, code: number | null): CloudError {
  const last = log.split('\n').findLast(line => line.trim() !== '');
  const why = last === undefined ? ` (exit code ${code ?? 'none'}).` : `: ${last.trim().slice(0, 300)}`;
  return environmentError('LOCAL_SERVER_FAILED', `Local Modal could not be started${why}`, {
    provider: PROVIDER,
    hints: [`Its log: ${file}`, 'If the Python environment is damaged: cloudctl modal setup --rebuild'],
    data: {exitCode: code, log},
  });
}

/** The server is not ready in time. */
export function startTimedOut(log: string, file: string, seconds: number): CloudError {
  return environmentError('LOCAL_SERVER_TIMEOUT', `Local Modal was not ready within ${seconds} seconds.`, {
    provider: PROVIDER,
    hints: [`Its log: ${file}`, AGAIN],
    data: {log},
  });
}

/** A process has the server's id but does not say that it is the server. It may be anything, so it is left alone. */
export function unconfirmed(pid: number, state: string): CloudError {
  return environmentError('LOCAL_SERVER_HANGS', `Local Modal (process ${pid}) does not answer.`, {
    provider: PROVIDER,
    hints: [`See what it is: ps -p ${pid}`, `If it is Local Modal: kill -9 ${pid}`],
    data: {pid, stateDirectory: state},
  });
}

/** The server does not end, not even by force. */
export function stopFailed(pid: number): CloudError {
  return environmentError('LOCAL_SERVER_HANGS', `Local Modal (process ${pid}) cannot be ended.`, {
    provider: PROVIDER,
    hints: [`End it: kill -9 ${pid}`],
    data: {pid},
  });
}
