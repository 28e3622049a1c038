import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from '@jest/globals';
import {KeyringSession, keyringMissing} from '../keyring/session.js';
import {finished, Machine} from './harness.js';

const missing = keyringMissing();
if (missing !== undefined) console.warn(`The tests of the system keyring are skipped: ${missing}.`);
const withKeyring = missing === undefined ? describe : describe.skip;

interface Listed {
  secrets: {provider: string; key: string; profile: string; source: string; ageDays: number}[];
}

/** Processes of the keyring helper that are there. */
function helpers(): string[] {
  return readdirSync('/proc').filter(name => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('keyring-helper.js');
    } catch {
      return false;
    }
  });
}

/** A machine whose commands find a real keyring. */
class KeyringMachine extends Machine {
  constructor(readonly keyring: KeyringSession) {
    super({target: 'cloud'});
  }

  store(key: string, value: string, ...rest: string[]) {
    return this.run(['secrets', 'modal', key, '--stdin', ...rest], {env: this.keyring.env, stdin: value});
  }

  secrets(...args: string[]) {
    return this.run(['secrets', ...args], {env: this.keyring.env});
  }
}

withKeyring('a real Secret Service', () => {
  let machine: KeyringMachine;
  beforeAll(async () => {
    machine = new KeyringMachine(await KeyringSession.start());
  }, 40_000);
  afterAll(async () => {
    await machine.dispose();
    await machine.keyring.stop();
  });

  test('set, list, get, delete; other programs find the value; nothing of it is on disk', async () => {
    expect(await machine.store('token_id', 'ak-first\n')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Stored: token_id of modal in the system keyring.'),
      stderr: '',
    });
    expect(machine.keyring.lookup('default/modal/token_id')).toBe('ak-first');
    await machine.store('token_secret', 'as-first "quoted" \u{1F511} value', '--profile', 'ci');
    expect(machine.keyring.lookup('ci/modal/token_secret')).toBe('as-first "quoted" \u{1F511} value');
    const {secrets} = await machine.data<Listed>(['secrets', 'list']);
    expect(secrets).toEqual([
      expect.objectContaining({provider: 'modal', key: 'token_secret', profile: 'ci', source: 'keyring', ageDays: 0}),
      expect.objectContaining({provider: 'modal', key: 'token_id', profile: 'default', source: 'keyring'}),
    ]);
    expect(readFileSync(join(machine.home, 'config/secrets.json'), 'utf8')).not.toMatch(/first|quoted/);
    expect((await machine.secrets('delete', 'modal', 'token_id')).code).toBe(0);
    expect(machine.keyring.lookup('default/modal/token_id')).toBeUndefined();
    expect((await machine.secrets('delete', 'modal', 'token_id')).code).toBe(3);
  });

  test('a value that another program took away: said so, not "never stored"', async () => {
    await machine.store('token_id', 'ak-gone', '--profile', 'gone');
    await machine.store('token_secret', 'as-gone', '--profile', 'gone');
    const {execFileSync} = await import('node:child_process');
    execFileSync('secret-tool', ['clear', 'service', 'cloudctl', 'username', 'gone/modal/token_id'], {
      env: {...machine.keyring.env, PATH: process.env['PATH']!},
    });
    const {code, stderr} = await machine.secrets('test', 'modal', '--profile', 'gone');
    expect(code).toBe(4);
    expect(stderr).toContain('token_id of Modal is no longer in the system keyring');
    const deleted = await machine.secrets('delete', 'modal', 'token_id', '--profile', 'gone');
    expect(deleted).toMatchObject({code: 0, stderr: expect.stringContaining('no longer had it')});
  });

  test('20 processes at once: every value is there, and every entry', async () => {
    const names = Array.from({length: 20}, (_, i) => `p${i}`);
    const outcomes = await Promise.all(names.map(name => machine.store('token_id', `ak-${name}`, '--profile', name)));
    expect(outcomes.map(({code, stderr}) => `${code}${stderr}`)).toEqual(names.map(() => '0'));
    for (const name of names) expect(machine.keyring.lookup(`${name}/modal/token_id`)).toBe(`ak-${name}`);
    const {secrets} = await machine.data<Listed>(['secrets', 'list']);
    expect(secrets.map(({profile}) => profile)).toEqual(expect.arrayContaining(names));
  }, 90_000);

  test('resolves for a deploy, tests and rotates against a real server', async () => {
    const {variables} = await machine.data<{variables: Record<string, string>}>(['modal', 'local', 'env']);
    const env = {...machine.keyring.env, MODAL_SERVER_URL: variables['MODAL_SERVER_URL']!};
    await machine.store('token_id', variables['MODAL_TOKEN_ID']!);
    await machine.store('token_secret', variables['MODAL_TOKEN_SECRET']!);
    expect(await machine.run(['list', 'ai'], {env})).toMatchObject({code: 0});
    const tested = await machine.data(['secrets', 'test', 'modal'], {env});
    expect(tested).toMatchObject({
      credentials: [
        {key: 'token_id', source: 'keyring'},
        {key: 'token_secret', source: 'keyring'},
      ],
      identity: {workspace: 'local', tokenName: expect.any(String)},
    });
    // Stored again: tried first, the half that does not fit waits beside the one in use.
    const args = ['secrets', 'modal', 'token_id', '--stdin', '--json'];
    const {stdout} = await machine.run(args, {env, stdin: 'ak-ofAnotherPair'});
    expect(JSON.parse(stdout)).toMatchObject({data: {action: 'waiting', verified: false}});
    expect(machine.keyring.lookup('default/modal/token_id')).toBe(variables['MODAL_TOKEN_ID']);
    expect(machine.keyring.lookup('default/modal/token_id/next')).toBe('ak-ofAnotherPair');
    expect(await machine.run(['list', 'ai'], {env})).toMatchObject({code: 0});
    const back = await machine.run(args, {env, stdin: variables['MODAL_TOKEN_ID']!});
    expect(JSON.parse(back.stdout)).toMatchObject({data: {action: 'replaced', verified: true}});
    expect(machine.keyring.lookup('default/modal/token_id/next')).toBeUndefined();
  }, 60_000);
});

/** Each has a keyring of its own, which does not survive. */
withKeyring('a keyring that does not answer', () => {
  let machine: KeyringMachine;
  beforeEach(async () => {
    machine = new KeyringMachine(await KeyringSession.start());
    await machine.store('token_id', 'ak-locked');
    await machine.store('token_secret', 'as-locked');
  }, 40_000);
  afterEach(async () => {
    await machine.keyring.stop();
    await machine.dispose();
    expect(helpers()).toEqual([]);
  });

  /** Exit 4, in time, three ways out, nothing stored. */
  const refuses = (outcome: {code: number | null; stderr: string}, says: RegExp): void => {
    expect(outcome.code).toBe(4);
    expect(outcome.stderr).toMatch(says);
    for (const way of ['Unlock', 'export MODAL_TOKEN_ID=', '--backend file']) expect(outcome.stderr).toContain(way);
    expect(outcome.stderr).not.toMatch(/ak-|as-/);
  };

  test('locked: neither "not stored" nor a crash', async () => {
    machine.keyring.lock();
    refuses(await machine.store('token_id', 'ak-new', '--profile', 'x'), /keyring is locked/);
    refuses(await machine.secrets('test', 'modal'), /keyring is locked/);
    refuses(await machine.secrets('delete', 'modal', 'token_id'), /keyring is locked/);
    const {secrets} = await machine.data<Listed>(['secrets', 'list']);
    expect(secrets.map(({profile}) => profile)).toEqual(['default', 'default']);
  }, 60_000);

  test('mute: given up within seconds without a terminal, helper and all', async () => {
    machine.keyring.signal('SIGSTOP');
    const began = Date.now();
    refuses(await machine.run(['list', 'ai'], {env: machine.keyring.env}), /gave no answer/);
    expect(Date.now() - began).toBeLessThan(8000);
    expect(helpers()).toEqual([]);
    refuses(await machine.store('token_id', 'ak-new', '--profile', 'x'), /gave no answer/);
    machine.keyring.signal('SIGCONT');
    expect(machine.keyring.lookup('default/modal/token_id')).toBe('ak-locked');
  }, 60_000);

  test('killed during a call', async () => {
    machine.keyring.signal('SIGSTOP');
    const child = machine.start(['secrets', 'test', 'modal'], {env: machine.keyring.env});
    const ended = finished(child, 15_000, 'secrets test');
    while (helpers().length === 0) await sleep(10);
    await sleep(150);
    machine.keyring.signal('SIGKILL');
    refuses(await ended, /keyring (cannot be reached|is locked|gave no answer)/);
  }, 60_000);

  test('the CLI killed during a call takes its helper along', async () => {
    machine.keyring.signal('SIGSTOP');
    const child = machine.start(['secrets', 'test', 'modal'], {env: machine.keyring.env});
    while (helpers().length === 0) await sleep(10);
    await sleep(150);
    child.kill('SIGKILL');
    await finished(child, 10_000, 'secrets test');
    const until = Date.now() + 5000;
    while (helpers().length > 0 && Date.now() < until) await sleep(20);
    expect(helpers()).toEqual([]);
  }, 60_000);
});
