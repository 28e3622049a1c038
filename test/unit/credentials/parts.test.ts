import {mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {inspect} from 'node:util';
import {Secret} from '@cloudctl/provider-sdk';
import {afterAll, describe, expect, test} from '@jest/globals';
import {guardArguments, typedWord} from '../../../src/command-line/argv-guard.js';
import {EnvironmentSource} from '../../../src/credentials/environment.js';
import {CredentialIndex} from '../../../src/credentials/index-file.js';
import {writePrivate} from '../../../src/credentials/private-file.js';
import {readProfile} from '../../../src/credentials/profile.js';
import {doubtAbout} from '../../../src/credentials/value.js';

const folder = mkdtempSync(join(tmpdir(), 'cloudctl-unit-'));
afterAll(() => rmSync(folder, {recursive: true}));

const credentials = [
  {key: 'token_id', variable: 'TEST_ID', title: 'id', prefix: 'ak-'},
  {key: 'token_secret', variable: 'TEST_SECRET', title: 'secret', prefix: 'as-'},
];

test('a secret shows in no print', () => {
  const secret = new Secret('as-shown');
  const prints = [
    `${secret}`,
    JSON.stringify({secret}),
    inspect({secret}),
    String(secret),
    inspect(secret, {showHidden: true}),
  ];
  expect(prints.join()).not.toContain('as-shown');
  expect(Object.keys(secret)).toEqual([]);
  expect(secret.reveal()).toBe('as-shown');
});

test('variables are taken out of the environment, and remembered', () => {
  const environment: Record<string, string | undefined> = {TEST_ID: 'ak-x', TEST_SECRET: '', PATH: '/bin'};
  const source = new EnvironmentSource(environment);
  for (let i = 0; i < 2; i++) {
    const {found, missing} = source.read({credentials});
    expect([...found.keys()]).toEqual(['token_id']);
    expect(missing.map(({key}) => key)).toEqual(['token_secret']);
  }
  expect(environment).toEqual({PATH: '/bin'});
});

describe('doubts', () => {
  test.each([
    ['ak-x', undefined],
    ['as-x', {kind: 'other-key', key: 'token_secret'}],
    ['other', {kind: 'prefix', prefix: 'ak-'}],
  ])('%s for the id', (value, doubt) => {
    expect(doubtAbout(new Secret(value), 'token_id', credentials)).toEqual(doubt);
  });
});

describe('profiles', () => {
  test.each([
    [undefined, {}, {kind: 'stored', name: 'default', asked: false}],
    [undefined, {CLOUDCTL_PROFILE: 'ci'}, {kind: 'stored', name: 'ci', asked: false}],
    ['work', {CLOUDCTL_PROFILE: 'ci'}, {kind: 'stored', name: 'work', asked: true}],
    ['modal:my work', {}, undefined],
    ['modal:work', {}, {kind: 'provider', provider: 'modal', name: 'work'}],
    ['../x', {}, undefined],
    ['', {}, undefined],
  ])('%s with %j', (flag, environment, wanted) => {
    if (wanted === undefined) expect(() => readProfile(flag, environment)).toThrow('names no profile');
    else expect(readProfile(flag, environment)).toEqual(wanted);
  });
});

describe('the guard of the command line', () => {
  test('what other commands are given stays as it is', () => {
    for (const line of ['deploy ai x --env A=b', '--version', '', 'plugins install x', 'help deploy']) {
      const argv = line.split(' ').filter(Boolean);
      expect(guardArguments(argv)).toEqual({argv});
    }
  });

  test('arguments of secrets are put aside', () => {
    const {argv, refusal} = guardArguments(['secrets', 'modal', 'token_id', '--stdin', '--profile', 'ci']);
    expect(refusal).toBeUndefined();
    expect(argv).toEqual(['secrets', 'PROVIDER', 'KEY', '--stdin', '--profile=ci']);
    expect(argv.slice(1, 3).map(typedWord)).toEqual(['modal', 'token_id']);
    expect(guardArguments(['secrets:delete', 'modal', 'x']).argv).toEqual(['secrets', 'delete', 'PROVIDER', 'KEY']);
  });
});

describe('the index', () => {
  const id = (key: string) => ({profile: 'default', provider: 'test', key});
  const entry = (key: string) => ({...id(key), backend: 'file' as const, createdAt: 'a', updatedAt: 'b'});

  test('changes are made to what is there by then', async () => {
    const index = new CredentialIndex(join(folder, 'config'), new AbortController().signal);
    expect(await index.list()).toEqual([]);
    await Promise.all(['c', 'a', 'b'].map(key => index.change([{id: id(key), edit: () => entry(key)}])));
    await index.change([{id: id('b'), edit: () => undefined}]);
    expect((await index.list()).map(({key}) => key)).toEqual(['a', 'c']);
  });

  test('what a killed writer left is cleared away', async () => {
    const file = join(folder, 'config/secrets.json');
    writeFileSync(join(folder, 'config/.secrets.json.dead.tmp'), 'half');
    await writePrivate(file, '{"schema": 1, "entries": []}');
    expect(readdirSync(join(folder, 'config'))).toEqual(['secrets.json']);
  });
});
