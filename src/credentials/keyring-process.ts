import {type ChildProcess, spawn} from 'node:child_process';
import type {Duplex} from 'node:stream';
import {credentialsError} from '@cloudctl/provider-sdk';
import {keyringModuleMissing, keyringSilent, keyringUnavailable} from './errors.js';
import {KEYRING_FD, type KeyringReply, type KeyringRequest} from './keyring-protocol.js';

/** Everything that the keyring's libraries read; tokens, `NODE_OPTIONS` and the rest stay behind. */
const ALLOWED = new Set([
  ...['HOME', 'USER', 'LOGNAME', 'PATH', 'LANG', 'LC_ALL', 'LC_MESSAGES', 'TMPDIR', 'TMP', 'TEMP'],
  ...['DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CURRENT_DESKTOP'],
  ...['DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY'],
  ...['SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'USERNAME', 'USERDOMAIN'],
]);

/** Milliseconds for Node and the native module to start; a busy machine takes seconds. */
const START_MS = 30_000;
/** Milliseconds after which a person who may have to type a password is told what is being waited for. */
const SAY_MS = 2000;

export interface KeyringProcessOptions {
  /** Absolute path of the built helper. */
  helper: string;
  environment: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  /** Milliseconds that the keyring has for its answer. */
  patience: number;
  /** Called once, when the keyring takes long; absent where nobody is there to unlock it. */
  onWait?: (() => void) | undefined;
  /** What to do without it, for errors. */
  waysOut: readonly string[];
}

/**
 * Asks the keyring once, in a process that lives for this question.
 *
 * @throws CloudError with exit code 4 where the keyring is absent, locked, or silent; the signal's reason when aborted.
 */
export async function askKeyring(request: KeyringRequest, options: KeyringProcessOptions): Promise<KeyringReply> {
  options.signal.throwIfAborted();
  const child = spawn(process.execPath, [options.helper], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: allowed(options.environment),
    windowsHide: true,
  });
  try {
    return await converse(child, request, options);
  } finally {
    // It has answered, or it never will: a pending native call outlives every gentler signal.
    child.kill('SIGKILL');
  }
}

function converse(
  child: ChildProcess,
  request: KeyringRequest,
  {signal, patience, onWait, waysOut}: KeyringProcessOptions,
): Promise<KeyringReply> {
  const channel = child.stdio[KEYRING_FD] as Duplex;
  let received = '';
  let timers: NodeJS.Timeout[] = [];
  return new Promise<KeyringReply>((resolve, reject) => {
    const aborted = (): void => reject(signal.reason);
    const wait = (milliseconds: number): void => {
      for (const timer of timers) clearTimeout(timer);
      timers = [setTimeout(() => reject(keyringSilent(milliseconds, waysOut)), milliseconds)];
    };
    signal.addEventListener('abort', aborted, {once: true});
    channel.on('data', (chunk: Buffer) => {
      received += chunk.toString('utf8');
      for (let cut = received.indexOf('\n'); cut >= 0; cut = received.indexOf('\n')) {
        const message = JSON.parse(received.slice(0, cut)) as KeyringReply;
        received = received.slice(cut + 1);
        if (message.kind === 'ready') {
          wait(patience);
          if (onWait !== undefined) timers.push(setTimeout(onWait, SAY_MS));
          channel.write(`${JSON.stringify(request)}\n`);
        } else resolve(message);
      }
    });
    channel.on('error', () => undefined);
    child.on('error', error => reject(keyringUnavailable(error.message, waysOut)));
    child.on('close', (code, killed) => reject(keyringUnavailable(`its helper ended with ${code ?? killed}`, waysOut)));
    wait(START_MS);
  })
    .then(reply => {
      if (reply.kind !== 'failed') return reply;
      throw reply.what === 'module'
        ? keyringModuleMissing(reply.reason, waysOut)
        : keyringUnavailable(reply.reason, waysOut);
    })
    .finally(() => {
      for (const timer of timers) clearTimeout(timer);
      channel.destroy();
    });
}

function allowed(environment: KeyringProcessOptions['environment']): Record<string, string> {
  const entries = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && ALLOWED.has(entry[0].toUpperCase()),
  );
  return Object.fromEntries(entries);
}

/** The helper said something else than was asked for. */
export function unexpectedReply(): Error {
  return credentialsError('KEYRING_FAILED', 'The keyring helper gave an answer that was not asked for.', {
    hints: ['This is a bug in CloudCTL. Run again with DEBUG=cloudctl:* and report what it prints.'],
  });
}
