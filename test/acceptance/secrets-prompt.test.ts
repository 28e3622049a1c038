import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeEach, describe, expect, test} from '@jest/globals';
import {Machine} from './harness.js';
import {onTerminal} from './terminal.js';

const machine = new Machine({target: 'cloud'});
const passphrase = join(machine.home, 'passphrase');
writeFileSync(passphrase, 'correct horse\n', {mode: 0o600});
const env = {CLOUDCTL_PASSPHRASE_FILE: passphrase, CLOUDCTL_SECRETS_BACKEND: 'file'};
afterAll(() => machine.dispose());

const VALUE = 'ak-typedAtThePrompt';
const listed = async () =>
  (await machine.data<{secrets: {key: string}[]}>(['secrets', 'list'])).secrets.map(({key}) => key);

describe('the prompt', () => {
  beforeEach(() => machine.run(['secrets', 'delete', 'modal', 'token_id'], {env}));

  test('takes a value and shows nothing of it, not even its length', async () => {
    const ask = [{expect: 'Modal token id:', send: `${VALUE}\r`}];
    const {code, output, restored} = await onTerminal(machine, ['secrets', 'modal', 'token_id'], ask, env);
    expect({code, restored}).toEqual({code: 0, restored: true});
    expect(output).toContain('Stored: token_id of modal in the encrypted file.');
    expect(output).not.toMatch(/ak-|typed|\*{3}|[•●]{3}/);
    expect(await listed()).toEqual(['token_id']);
  });

  test.each([
    ['Ctrl-C', {expect: 'Modal token id:', send: 'ak-half\u0003'}],
    ['Ctrl-D', {expect: 'Modal token id:', send: '\u0004'}],
    ['SIGTERM', {expect: 'Modal token id:', signal: 15}],
  ])('%s: exit 130, nothing stored, the terminal as before', async (_, step) => {
    const {code, output, restored} = await onTerminal(machine, ['secrets', 'modal', 'token_id'], [step], env);
    expect({code, restored}).toEqual({code: 130, restored: true});
    expect(output).toContain('Interrupted.');
    expect(output).not.toContain('ak-half');
    expect(await listed()).toEqual([]);
  });

  test.each([
    ['nothing', '\r', 'it is empty'],
    ['white space', '   \r', 'white space'],
    ['several lines', 'ak-first\nak-second\r', 'several lines'],
    ['two kilobytes', `ak-${'x'.repeat(2000)}\r`, 'longer than 1024 bytes'],
  ])('%s: refused, not repeated', async (_, send, says) => {
    const ask = [{expect: 'Modal token id:', send}];
    const {code, output, restored} = await onTerminal(machine, ['secrets', 'modal', 'token_id'], ask, env);
    expect({code, restored}).toEqual({code: 2, restored: true});
    expect(output).toContain(says);
    expect(output).not.toMatch(/ak-/);
  });

  test('the other half of the pair: asked about, no means no', async () => {
    const ask = {expect: 'Modal token id:', send: 'as-theSecret\r'};
    const doubt = 'Store it as token_id all the same?';
    const no = await onTerminal(machine, ['secrets', 'modal', 'token_id'], [ask, {expect: doubt, send: '\r'}], env);
    expect(no).toMatchObject({code: 2, restored: true});
    expect(no.output).toContain('cloudctl secrets modal token_secret');
    expect(await listed()).toEqual([]);
    const yes = await onTerminal(machine, ['secrets', 'modal', 'token_id'], [ask, {expect: doubt, send: 'y\r'}], env);
    expect(yes).toMatchObject({code: 0, restored: true});
    const interrupted = await onTerminal(
      machine,
      ['secrets', 'modal', 'token_id'],
      [ask, {expect: doubt, send: '\u0003'}],
      env,
    );
    expect(interrupted).toMatchObject({code: 130, restored: true});
    expect(no.output + yes.output + interrupted.output).not.toContain('theSecret');
  });

  test('--stdin on a terminal is refused: it would show what is typed', async () => {
    const {code, output} = await onTerminal(machine, ['secrets', 'modal', 'token_id', '--stdin'], [], env);
    expect(code).toBe(2);
    expect(output).toContain('Leave it out');
  });
});

describe('the passphrase of the encrypted file', () => {
  const fresh = {CLOUDCTL_DATA_DIR: join(machine.home, 'other-data'), CLOUDCTL_CONFIG_DIR: join(machine.home, 'other')};
  mkdirSync(fresh.CLOUDCTL_DATA_DIR);
  writeFileSync(
    join(fresh.CLOUDCTL_DATA_DIR, 'package.json'),
    JSON.stringify({
      private: true,
      oclif: {
        schema: 1,
        plugins: [{name: '@cloudctl/plugin-modal', root: join(process.cwd(), 'plugins/modal'), type: 'link'}],
      },
    }),
  );
  const store = ['secrets', 'modal', 'token_id', '--backend', 'file'];
  const value = {expect: 'Modal token id:', send: `${VALUE}\r`};
  const asked = 'New passphrase for';

  test('a new one is asked for twice, and must be the same', async () => {
    const differs = [value, {expect: asked, send: 'correct horse\r'}, {expect: 'The same again', send: 'wrong\r'}];
    expect(await onTerminal(machine, store, differs, fresh)).toMatchObject({code: 2, restored: true, left: 0});
    const short = [value, {expect: asked, send: 'short\r'}];
    expect(await onTerminal(machine, store, short, fresh)).toMatchObject({code: 2, restored: true});
    const good = [value, {expect: asked, send: 'correct horse\r'}, {expect: 'The same again', send: 'correct horse\r'}];
    const {code, output} = await onTerminal(machine, store, good, fresh);
    expect(code).toBe(0);
    expect(output).not.toContain('correct horse');
  });

  test('a wrong one may be typed three times', async () => {
    const wrongs = ['Passphrase of', 'attempt 2 of 3', 'attempt 3 of 3'].map(expect => ({
      expect,
      send: 'not the one\r',
    }));
    const wrong = await onTerminal(machine, store, [value, ...wrongs], fresh);
    expect(wrong).toMatchObject({code: 4, restored: true, left: 0});
    expect(wrong.output).toContain('does not open');
    const steps = [value, wrongs[0]!, {expect: 'attempt 2 of 3', send: 'correct horse\r'}];
    const right = await onTerminal(machine, store, steps, fresh);
    expect(right).toMatchObject({code: 0, left: 0});
  });
});
