import {appendFileSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from '@jest/globals';
import {Machine} from './harness.js';
import {stockModal} from './project.js';
import {onTerminal} from './terminal.js';
import {expectRefused, type Told, told} from './told.js';

const machine = new Machine();
afterAll(() => machine.dispose());

const HANDLER = 'def handler(x=1):\n    return x\n';
const cwd = machine.project({'main.py': HANDLER});
const run = (...args: string[]): Promise<Told> => told(machine, args, {cwd});
/** Of a project of its own, so that a change of its files concerns nothing else. */
const other = machine.project({'main.py': HANDLER}, 'other');
const runThere = (...args: string[]): Promise<Told> => told(machine, args, {cwd: other});

beforeAll(async () => {
  await machine.data(['deploy', 'ai', 'known', '--app', 'known'], {cwd});
}, 60_000);

describe('plan files', () => {
  const stale = (what: string | RegExp) =>
    [2, 'PLAN_STALE', /Nothing was deployed\./, what, '--refresh --out'] as const;

  test.each([
    ['that is not there', undefined, [3, 'PLAN_NOT_FOUND', 'There is no plan', 'cloudctl plan --out']],
    ['that is no JSON', '{"cloudctl": "pl', [2, 'BAD_PLAN', 'is not a plan of cloudctl', 'cloudctl plan --out']],
    ['that is something else', '[]', [2, 'BAD_PLAN', 'is not a plan of cloudctl']],
    [
      'of a newer version',
      '{"cloudctl": "plan", "schema": 9, "client": "9.9.9", "resources": []}',
      [2, 'BAD_PLAN', 'made by another version of cloudctl (9.9.9)', 'Make it again'],
    ],
    [
      'that is damaged',
      '{"cloudctl": "plan", "schema": 1, "client": "1.0.0", "resources": [{"type": "ai"}]}',
      [2, 'BAD_PLAN', 'is damaged: entry 1', 'Make it again'],
    ],
  ] as const)('one %s', async (_, text, refusal) => {
    const file = join(machine.home, 'bad-plan.json');
    if (text !== undefined) writeFileSync(file, text);
    expectRefused(await run('deploy', '--plan', file), refusal);
  });

  test('a folder', async () => {
    expectRefused(await run('deploy', '--plan', machine.home), [2, 'BAD_PLAN', 'is a folder']);
  });

  test('the code moved', async () => {
    await machine.data(['plan', 'ai', 'moving', '--app', 'moving', '--out', 'plan.json'], {cwd: other});
    appendFileSync(join(other, 'main.py'), '# changed\n');
    expectRefused(await runThere('deploy', '--plan', 'plan.json'), stale('the code of "moving" in'));
    expect(await machine.data(['list', 'ai', '--filter', 'app=moving'])).toEqual({resources: []});
  });

  test('the ledger moved', async () => {
    await machine.data(['plan', 'ai', 'known', '--app', 'known', '--memory', '256', '--out', 'plan.json'], {cwd});
    await machine.data(['deploy', '--plan', 'plan.json'], {cwd});
    expectRefused(await run('deploy', '--plan', 'plan.json'), stale('"known" was deployed again, or forgotten'));
  });

  test('what is live moved', async () => {
    await machine.data(['plan', 'ai', 'known', '--app', 'known', '--memory', '512', '--out', 'plan.json'], {cwd});
    await stockModal(machine, ['app', 'rollback', 'known', 'v1']);
    expectRefused(await run('deploy', '--plan', 'plan.json'), stale('"known" is drifted now, and was deployed'));
    await machine.data(['deploy', 'ai', 'known', '--app', 'known', '--memory', '256'], {cwd});
  });

  test.each([
    [['deploy', 'ai', 'known', '--plan', 'plan.json'], '--plan says all by itself: leave TYPE and NAME out.'],
    [['deploy', '--plan', 'plan.json', '--dry-run'], '--plan says all by itself: leave --dry-run out.'],
    [['deploy', 'ai', 'known', '--exit-code'], '--exit-code is about a preview: it goes with --dry-run.'],
    [['rollback', 'ai', 'known', '--exit-code'], 'cloudctl rollback ai known --dry-run --exit-code'],
    [['deploy', 'ai', 'known', '--refresh'], 'cloudctl deploy ai known --dry-run --refresh'],
  ])('flags that do not go together: %j', async (args, says) => {
    expectRefused(await run(...args), [2, 'USAGE', says]);
  });
});

describe('rollback', () => {
  beforeAll(async () => {
    await machine.data(['deploy', 'ai', 'once', '--app', 'once'], {cwd});
  }, 60_000);

  test.each([
    [['once'], [3, 'DEPLOYMENT_NOT_FOUND', '"once" was deployed once only', 'cloudctl history ai once']],
    [
      ['once', '--to', '7'],
      [3, 'DEPLOYMENT_NOT_FOUND', 'no deployment 7; there is only number 1', 'history ai once'],
    ],
    [['nobody'], [3, 'RESOURCE_NOT_FOUND', 'There is no ai "nobody"', 'cloudctl list ai']],
  ] as const)('%j', async (args, refusal) => {
    expectRefused(await run('rollback', 'ai', ...args), refusal);
  });
});

describe('adopt', () => {
  const twin = (app: string): string =>
    `import modal\napp = modal.App("${app}")\n@app.function(serialized=True)\ndef twin():\n    return "${app}"\n`;

  beforeAll(async () => {
    const theirs = machine.project({'one.py': twin('twin-one'), 'two.py': twin('twin-two')}, 'theirs');
    await stockModal(machine, ['deploy', 'one.py'], theirs);
    await stockModal(machine, ['deploy', 'two.py'], theirs);
  }, 60_000);

  test.each([
    [
      ['ai', 'twyn'],
      [3, 'FUNCTION_NOT_FOUND', 'No live app has a function "twyn"', '"twin"', /list ai .*--target local/],
    ],
    [
      ['ai', 'twyn', '--app', 'twin-one'],
      [3, 'FUNCTION_NOT_FOUND', 'The app "twin-one" has no function "twyn"', '"twin"'],
    ],
    [
      ['ai', 'twin', '--app', 'nowhere'],
      [3, 'FUNCTION_NOT_FOUND', 'The app "nowhere" is not there', 'list ai'],
    ],
    [
      ['storage', 'nothing'],
      [3, 'VOLUME_NOT_FOUND', 'There is no volume "nothing"', /list storage .*--target local/],
    ],
    [
      ['ai', 'twin'],
      [2, 'NAME_AMBIGUOUS', 'Several apps have a function "twin"', '--app twin-one', '--app twin-two'],
    ],
    [
      ['ai', 'known'],
      [2, 'ALREADY_KNOWN', '"known" in the app "known" is in the ledger already', 'ledger show ai known'],
    ],
    [
      ['ai', 'again', '--name', 'known'],
      [2, 'ALREADY_KNOWN', 'in the ledger already, as "known"'],
    ],
    [
      ['ai', 'known', '--name', 'twin', '--app', 'twin-one'],
      [2, 'ALREADY_KNOWN', 'The ledger has another "known" already', 'adopt ai NAME --name twin --app twin-one'],
    ],
  ] as const)('%j', async (args, refusal) => {
    expectRefused(await run('adopt', ...args), refusal);
  });
});

describe('ledger import', () => {
  const file = join(machine.home, 'ledger.json');

  test.each([
    ['that is not there', undefined, [3, 'FILE_NOT_FOUND', 'There is no file', 'cloudctl ledger export']],
    [
      'that is no JSON',
      'garbage\n',
      [2, 'BAD_JSON', /ledger\.json is not JSON: .*not valid JSON$/m, 'cloudctl ledger export'],
    ],
    ['that is something else', '{"data": []}', [2, 'NOT_AN_EXPORT', 'is not an export of a ledger', 'ledger export']],
    [
      'of a newer schema',
      '{"cloudctl": "ledger", "schema": 99, "records": []}',
      [7, 'LEDGER_NEWER', 'newer cloudctl (schema 99', 'npm install -g cloudctl'],
    ],
    [
      'with a record that is none',
      '{"cloudctl": "ledger", "schema": 2, "records": [{"schema": 2}]}',
      [2, 'BAD_RECORD', 'record 1 of', 'Nothing was imported'],
    ],
  ] as const)('of a file %s', async (_, text, refusal) => {
    if (text !== undefined) writeFileSync(file, text);
    expectRefused(await run('ledger', 'import', file), refusal);
  });

  test('of a record that differs from the one here: nothing, unless --replace says so', async () => {
    await machine.data(['ledger', 'export', '--out', file], {cwd});
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('"memory": 256', '"memory": 999'));
    const before = await machine.data(['ledger', 'show']);
    const refused = await run('ledger', 'import', file);
    expectRefused(refused, [
      2,
      'LEDGER_CONFLICT',
      'Nothing was imported.',
      /^ai known \(modal, target local/m,
      '--replace',
    ]);
    expect(refused.error?.data).toMatchObject({conflicts: [{type: 'ai', resource: 'known', target: 'local'}]});
    expect(await machine.data(['ledger', 'show'])).toEqual(before);
    expect(await machine.data(['ledger', 'import', file, '--replace', '--dry-run'])).toMatchObject({
      replaced: [{resource: 'known'}],
    });
    expect(await machine.data(['ledger', 'show'])).toEqual(before);
  });
});

describe('an apply of which one app fails', () => {
  const project = machine.project(
    {
      'main.py': HANDLER,
      'cloudctl.yaml': [
        'version: 1',
        'defaults: {ai: {handler: main.handler}}',
        'resources:',
        '  fine: {type: ai, app: fine}',
        '  lacking: {type: ai, app: lacking, secret: [later]}',
        '  behind: {type: ai, app: behind, depends-on: [lacking]}',
        '',
      ].join('\n'),
    },
    'halfway',
  );
  const apply = (): Promise<Told> => told(machine, ['apply', '--target', 'local'], {cwd: project});
  const recorded = async (): Promise<string[]> => {
    const {records} = await machine.data<{records: {resource: string; project: string}[]}>(['ledger', 'show']);
    return records.filter(record => record.project === project).map(({resource}) => resource);
  };

  test('the others are deployed, the ledger is true, and the same command goes on after the mend', async () => {
    const failed = await apply();
    expectRefused(failed, [
      6,
      'APPLY_INCOMPLETE',
      'Not everything was deployed: 1 failed, 1 not tried, 1 done.',
      /^app "lacking": .*secret.*later/m,
      /^app "behind": not tried, it needs app "lacking"$/m,
      'modal secret create later',
      'Go on from there: cloudctl apply --target local',
    ]);
    expect(failed.error?.data).toMatchObject({
      deployed: [{resource: 'fine', action: 'created'}],
      failed: [{resources: ['lacking'], code: 'SECRET_NOT_FOUND'}],
      skipped: [{resources: ['behind']}],
    });
    expect(await recorded()).toEqual(['fine']);
    expect(await machine.data(['call', 'ai', 'fine'])).toEqual({value: 1});
    await stockModal(machine, ['secret', 'create', 'later', 'KEY=value']);
    const {code, data} = await apply();
    const actions = (data!['resources'] as {action: string; resource: {resource: string}}[]).map(
      ({action, resource}) => `${resource.resource}: ${action}`,
    );
    expect({code, actions}).toEqual({code: 0, actions: ['fine: unchanged', 'lacking: created', 'behind: created']});
    expect((await recorded()).sort()).toEqual(['behind', 'fine', 'lacking']);
  });

  test('what moved behind its back is in the plan of the next apply, which asks on a terminal', async () => {
    await stockModal(machine, ['app', 'stop', 'fine', '--yes']);
    const steps = [{expect: 'Deploy this?', send: 'n\r'}];
    const played = await onTerminal(machine, ['apply', '--file', join(project, 'cloudctl.yaml')], steps);
    expect(played).toMatchObject({code: 2, left: 0, restored: true});
    expect(played.output).toMatch(/~ update +ai fine \(app fine\)\s+status: stopped -> deployed\s+drift: app "fine": /);
    expect(played.output).toContain('Nothing was deployed.');
    expect(await machine.data(['list', 'ai', '--filter', 'app=fine'])).toMatchObject({
      resources: [{status: 'stopped'}],
    });
  });
});
