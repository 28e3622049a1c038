import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {Secret} from '@cloudctl/provider-sdk';
import {describe, expect, test} from '@jest/globals';
import {KeyringStore} from '../../../src/credentials/keyring-store.js';

/** A keyring whose helper behaves like this. */
function keyring(behaviour: string, more: {patience?: number; signal?: AbortSignal; onWait?: () => void} = {}) {
  return new KeyringStore({
    helper: join(process.cwd(), 'test/fixtures/keyring/helper.mjs'),
    environment: {
      USER: behaviour,
      HOME: '/home/me',
      MODAL_TOKEN_ID: 'ak-no',
      NODE_OPTIONS: '--no',
      DBUS_SESSION_BUS_ADDRESS: 'x',
    },
    signal: more.signal ?? new AbortController().signal,
    patience: more.patience ?? 5000,
    onWait: more.onWait,
    waysOut: ['first', 'second', 'third'],
  });
}

/** Helpers that are there although their question is answered; an ended one takes a moment to go. */
async function helpersLeft(): Promise<string[]> {
  for (let tries = 0; ; tries++) {
    const left = readdirSync('/proc').filter(name => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('test/fixtures/keyring/helper.mjs');
      } catch {
        return false;
      }
    });
    if (left.length === 0 || tries === 20) return left;
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

describe('the helper process', () => {
  test('gets an allow-listed environment, and the request on its descriptor alone', async () => {
    const found = await keyring('environment').get('cloudctl', ['x']);
    expect(found.get('names')!.reveal()).toBe('DBUS_SESSION_BUS_ADDRESS HOME USER');
    const argv = await keyring('argv').get('cloudctl', ['default/modal/token_id']);
    expect(argv.get('default/modal/token_id')!.reveal()).not.toContain('token_id');
  });

  test.each([
    ['mute', 'KEYRING_TIMEOUT'],
    ['stubborn', 'KEYRING_TIMEOUT'],
    ['locked', 'KEYRING_LOCKED'],
    ['dies', 'KEYRING_UNAVAILABLE'],
    ['no module', 'KEYRING_NOT_INSTALLED'],
  ])('%s: %s, exit 4, with ways out', async (behaviour, code) => {
    const began = Date.now();
    const asked = keyring(behaviour, {patience: 300}).get('cloudctl', ['x']);
    await expect(asked).rejects.toMatchObject({code, exitCode: 4, hints: expect.arrayContaining(['second', 'third'])});
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(await helpersLeft()).toEqual([]);
  });

  test('a value that reads back differently is a failure', async () => {
    await expect(keyring('forgetful').set('cloudctl', 'x', new Secret('y'))).rejects.toMatchObject({
      code: 'KEYRING_FAILED',
    });
  });

  test('someone who may be typing a password is told, and can give up', async () => {
    const controller = new AbortController();
    let told = 0;
    const onWait = () => {
      told++;
      controller.abort(new Error('enough'));
    };
    const asked = keyring('mute', {patience: 60_000, signal: controller.signal, onWait}).get('cloudctl', ['x']);
    await expect(asked).rejects.toThrow('enough');
    expect(told).toBe(1);
  });
});
