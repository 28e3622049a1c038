import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from '@jest/globals';
import {Machine} from '../acceptance/harness.js';
import {problemsOf} from './output-schema.js';

const machine = new Machine();
const project = machine.project({'main.py': 'def handler(x=1):\n    return x\n\ndef count():\n    yield 1\n'});

beforeAll(async () => {
  await machine.run(['deploy', 'ai', 'one', '--app', 'app'], {cwd: project});
  await machine.run(['deploy', 'ai', 'many', '--app', 'app', '--handler', 'main.count'], {cwd: project});
  await machine.run(['deploy', 'ai', 'exotic', '--app', 'app', '--gpu', 'X9'], {cwd: project});
}, 60_000);
afterAll(() => machine.dispose());

/** For the commands that keep secrets: the encrypted file, and a server that knows the pair. */
const secretsEnvironment: Record<string, string> = {CLOUDCTL_SECRETS_BACKEND: 'file'};
const pair: Record<string, string> = {};

beforeAll(async () => {
  secretsEnvironment['CLOUDCTL_KEY_FILE'] = join(machine.home, 'key');
  writeFileSync(secretsEnvironment['CLOUDCTL_KEY_FILE'], 'k'.repeat(32), {mode: 0o600});
  const {variables} = await machine.data<{variables: Record<string, string>}>(['modal', 'local', 'env']);
  Object.assign(pair, variables);
  secretsEnvironment['MODAL_SERVER_URL'] = variables['MODAL_SERVER_URL']!;
}, 60_000);

test('secrets PROVIDER KEY, list, test and delete are one document each, as the page says', async () => {
  const STEPS: [definition: string, args: string[], stdin?: string][] = [
    ['secrets', ['modal', 'token_id', '--stdin'], pair['MODAL_TOKEN_ID']],
    ['secrets', ['modal', 'token_secret', '--stdin'], pair['MODAL_TOKEN_SECRET']],
    ['secrets', ['modal', 'token_secret', '--stdin'], 'as-ofAnotherPair'],
    ['secrets list', ['list']],
    ['secrets', ['modal', 'token_id', '--stdin'], pair['MODAL_TOKEN_ID']],
    ['secrets test', ['test', 'modal']],
    ['secrets delete', ['delete', 'modal', 'token_id']],
  ];
  for (const [definition, args, stdin] of STEPS) {
    const options = {env: secretsEnvironment, ...(stdin === undefined ? {} : {stdin})};
    const {stdout, stderr} = await machine.run(['secrets', ...args, '--json'], options);
    expect(problemsOf(definition, (JSON.parse(stdout) as {data: unknown}).data)).toEqual([]);
    expect(stderr).toBe('');
  }
}, 60_000);

const CASES: [definition: string, args: string[]][] = [
  ['deploy', ['deploy', 'ai', 'one', '--app', 'app']],
  ['deploy', ['deploy', 'storage', 'disk', '--size', '5']],
  ['deploy --dry-run', ['deploy', 'ai', 'one', '--app', 'app', '--cpu', '2', '--dry-run']],
  ['deploy --dry-run', ['deploy', 'storage', 'disk', '--size', '6', '--dry-run']],
  ['deploy --dry-run', ['deploy', 'ai', 'exotic', '--app', 'app', '--dry-run', '--refresh']],
  ['plan', ['plan', 'ai', 'one', '--app', 'app', '--gpu', 'X9']],
  ['plan', ['plan', 'storage', 'other', '--refresh']],
  ['list', ['list', 'ai']],
  ['list', ['list', 'storage']],
  ['call', ['call', 'ai', 'one']],
  ['call', ['call', 'ai', 'many']],
  ['cost', ['cost']],
  ['providers', ['providers']],
  ['init', ['init', '--dry-run']],
  ['ledger forget', ['ledger', 'forget', 'nobody', '--provider', 'modal', '--yes']],
];

test.each(CASES)('%s: %j is one document, as the page says', async (definition, args) => {
  const {stdout, stderr} = await machine.run([...args, '--json'], {cwd: project});
  const document = JSON.parse(stdout) as {data: unknown; warnings: unknown};
  expect(Object.keys(document).sort()).toEqual(['data', 'warnings']);
  expect(problemsOf(definition, document.data)).toEqual([]);
  expect(problemsOf('warnings', document.warnings)).toEqual([]);
  expect(stderr).toBe('');
});

test('an unknown price is an error in its row and in the exit code, never zero', async () => {
  const {code, stdout} = await machine.run(['cost', '--json']);
  expect(code).toBe(8);
  const {data, warnings} = JSON.parse(stdout) as {
    data: {resources: {resource: string; priceUnknown?: string[]; monthly?: string}[]};
    warnings: string[];
  };
  const exotic = data.resources.find(({resource}) => resource === 'exotic');
  expect(exotic).toMatchObject({priceUnknown: ['gpu:X9']});
  expect(exotic).not.toHaveProperty('monthly');
  expect(warnings.join()).toContain('exotic');
});

test.each([[['list', 'nothing']], [['destroy', 'ai', 'one']], [['call', 'ai', 'nobody']], [['nonsense']]])(
  'errors of %j',
  async args => {
    const {stdout, code} = await machine.run([...args, '--json']);
    const document = JSON.parse(stdout) as {error: {exitCode: number}};
    expect(problemsOf('error', document)).toEqual([]);
    expect(document.error.exitCode).toBe(code);
  },
);
