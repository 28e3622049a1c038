import {appendFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from '@jest/globals';
import {Machine} from '../acceptance/harness.js';
import {stockModal} from '../acceptance/project.js';
import {problemsOf} from './output-schema.js';

const machine = new Machine();
const cwd = machine.project({
  'main.py': 'def handler(x=1):\n    return x\n',
  'cloudctl.yaml': [
    'version: 1',
    'resources:',
    '  disk: {type: storage, size: 5}',
    '  one: {type: ai, handler: main.handler, app: shop, volume: [disk:/disk]}',
    '  two: {type: ai, handler: main.handler, app: other}',
    '',
  ].join('\n'),
});
afterAll(() => machine.dispose());

interface Output {
  data: Record<string, unknown>;
  text: string;
}

/** Data of one document on stdout, as the page says. */
async function output(definition: string, args: readonly string[]): Promise<Output> {
  const {stdout, stderr} = await machine.run([...args, '--json'], {cwd});
  const document = JSON.parse(stdout) as Pick<Output, 'data'>;
  expect(document).toEqual({data: expect.anything(), warnings: expect.anything()});
  expect({args, problems: problemsOf(definition, document.data)}).toEqual({args, problems: []});
  expect(stderr).toBe('');
  return {data: document.data, text: stdout};
}

beforeAll(async () => {
  await output('plan', ['plan']);
  await output('apply', ['apply', '--yes']);
}, 60_000);

test('a plan that is kept and carried out, with what it changes', async () => {
  appendFileSync(join(cwd, 'main.py'), '# changed\n');
  const {data} = await output('plan', ['plan', '--refresh', '--out', 'plan.json']);
  expect(data).toMatchObject({comparedWith: 'live', unmanaged: [], file: join(cwd, 'plan.json')});
  expect(data['resources']).toContainEqual(
    expect.objectContaining({
      resource: 'one',
      action: 'update',
      status: 'deployed',
      differences: [],
      cost: expect.objectContaining({before: expect.anything()}),
      package: expect.objectContaining({delta: {added: [], changed: ['main.py'], removed: []}}),
    }),
  );
  await output('apply', ['deploy', '--plan', 'plan.json']);
}, 60_000);

test('history, rollback and the ledger', async () => {
  const {data} = await output('history', ['history', 'ai', 'one']);
  expect(data['deployments']).toMatchObject([{number: 2, current: true, changes: [{field: 'code'}]}, {number: 1}]);
  await output('rollback --dry-run', ['rollback', 'ai', 'one', '--dry-run']);
  await output('rollback', ['rollback', 'ai', 'one']);
  const {text} = await output('history', ['history', 'ai', 'one']);
  expect(text).toContain('"rolledBackTo": 1');
  await output('ledger show', ['ledger', 'show']);
  await output('ledger show', ['ledger', 'show', 'ai', 'one']);
  const exported = await output('ledger export', ['ledger', 'export']);
  writeFileSync(join(machine.home, 'ledger.json'), JSON.stringify(exported.data['document']));
  await output('ledger export', ['ledger', 'export', '--out', join(machine.home, 'copy.json')]);
  await output('ledger forget', ['ledger', 'forget', 'two', '--provider', 'modal', '--yes']);
  const imported = await output('ledger import', ['ledger', 'import', join(machine.home, 'ledger.json')]);
  expect(imported.data).toMatchObject({dryRun: false, added: [{resource: 'two'}], replaced: [], same: [{}, {}]});
}, 60_000);

test('every status of a list, drift, and what was adopted', async () => {
  const statuses = async (type: string): Promise<string[]> =>
    ((await output('list', ['list', type])).data['resources'] as {name: string; status: string}[]).map(
      ({name, status}) => `${name}: ${status}`,
    );
  expect(await statuses('ai')).toEqual(['two: deployed', 'one: deployed']);
  await stockModal(machine, ['app', 'rollback', 'shop', 'v1']);
  await stockModal(machine, ['app', 'stop', 'other', '--yes']);
  await stockModal(machine, ['volume', 'delete', 'disk', '--yes']);
  await stockModal(machine, ['volume', 'create', 'theirs']);
  expect(await statuses('ai')).toEqual(['two: stopped', 'one: drifted']);
  expect(await statuses('storage')).toEqual(['disk: missing', 'theirs: unmanaged']);
  const {data} = await output('plan', ['plan', '--refresh']);
  expect(data['resources']).toContainEqual(
    expect.objectContaining({resource: 'one', status: 'drifted', differences: [expect.anything()]}),
  );
  const {data: adopted} = await output('adopt', ['adopt', 'storage', 'theirs']);
  expect(adopted).toMatchObject({resource: {resource: 'theirs', name: 'theirs'}});
  await output('ledger show', ['ledger', 'show', 'storage', 'theirs']);
  await output('ledger forget', ['ledger', 'forget', 'one', '--provider', 'modal', '--yes']);
  expect(await statuses('ai')).toContain('one: unmanaged');
  await output('adopt', ['adopt', 'ai', 'one']);
  await output('history', ['history', 'ai', 'one']);
}, 60_000);
