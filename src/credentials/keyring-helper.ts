/**
 * The short-lived process that talks to the system keyring.
 *
 * Apart from the CLI because a native call that waits for an unlock prompt cannot be given up: even `process.exit`
 * waits for it. The CLI kills this process instead, and this process kills itself when the CLI is gone.
 */
import {Socket} from 'node:net';
import {createInterface} from 'node:readline';
import type {AsyncEntry} from '@napi-rs/keyring';
import {KEYRING_FD, type KeyringReply, type KeyringRequest} from './keyring-protocol.js';

const channel = new Socket({fd: KEYRING_FD, readable: true, writable: true});

function reply(message: KeyringReply): void {
  channel.write(`${JSON.stringify(message)}\n`);
}

function end(): void {
  process.kill(process.pid, 'SIGKILL');
}

channel.on('error', end).on('close', end);

type Keyring = typeof import('@napi-rs/keyring');

function entryOf({AsyncEntry: Entry}: Keyring, service: string, account: string): AsyncEntry {
  // Pinned: the automatic choice falls back to the kernel's keyring, which loses values and shows their names.
  return new Entry(service, account, {linux: {store: 'secret-service'}});
}

async function answer(keyring: Keyring, request: KeyringRequest): Promise<KeyringReply> {
  const {operation, service} = request;
  if (operation === 'get') {
    const values: Record<string, string> = {};
    for (const account of request.accounts) {
      const value = await entryOf(keyring, service, account).getPassword();
      if (value !== null) values[account] = value;
    }
    return {kind: 'values', values};
  }
  const entry = entryOf(keyring, service, request.account);
  if (operation === 'delete') return {kind: 'deleted', existed: await entry.deletePassword()};
  await entry.setPassword(request.secret);
  return {kind: 'set', same: (await entry.getPassword()) === request.secret};
}

/** Why it failed, without the value: the library's texts are not ours to trust. */
function reasonOf(error: unknown, request?: KeyringRequest): string {
  const text = error instanceof Error ? error.message : String(error);
  const secret = request?.operation === 'set' ? request.secret : '';
  return (secret === '' ? text : text.replaceAll(secret, '[redacted]')).slice(0, 300);
}

async function serve(line: string): Promise<void> {
  const request = JSON.parse(line) as KeyringRequest;
  try {
    reply(await answer(await import('@napi-rs/keyring'), request));
  } catch (error) {
    reply({kind: 'failed', what: 'keyring', reason: reasonOf(error, request)});
  }
}

createInterface({input: channel}).once('line', line => void serve(line));
try {
  await import('@napi-rs/keyring');
  reply({kind: 'ready'});
} catch (error) {
  reply({kind: 'failed', what: 'module', reason: reasonOf(error)});
}
