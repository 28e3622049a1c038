import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from '@jest/globals';
import {Machine} from './harness.js';
import {type Applied, actionsOf, copyProject, type Listed, type Planned, statusesOf, stockModal} from './project.js';

/** Changes a file of a project. */
function edit(file: string, before: string, after: string): void {
  const text = readFileSync(file, 'utf8');
  if (!text.includes(before)) throw new Error(`${file} has no ${before}`);
  writeFileSync(file, text.replace(before, after));
}

describe('a package with sub-packages, a namespace package, a volume and environments', () => {
  const machine = new Machine();
  const cwd = copyProject(machine, 'shop');
  const plan = (...flags: string[]) => machine.data<Planned>(['plan', ...flags], {cwd});
  const apply = (...flags: string[]) => machine.data<Applied>(['apply', ...flags], {cwd});
  const call = (name: string, data: unknown) =>
    machine.data<{value?: unknown; items?: unknown[]}>(['call', 'ai', name, '--data', JSON.stringify(data)], {cwd});
  const pens = {items: [{sku: 'pen', quantity: 10}]};
  afterAll(() => machine.dispose());

  test('planned without a server or credentials, applied, called', async () => {
    const planned = await plan();
    expect(planned).toMatchObject({comparedWith: 'ledger', summary: {create: 4, update: 0, none: 0}});
    const applied = await apply();
    expect(applied.resources.map(({action, resource}) => `${resource.resource}: ${action}`).sort()).toEqual([
      'catalog: created',
      'health: created',
      'nightly: created',
      'quote: created',
    ]);
    expect(await call('quote', pens)).toMatchObject({value: {discount: 5, total: '11.40 EUR'}});
    expect((await machine.data<{items: unknown[]}>(['call', 'ai', 'nightly', '--data', '2'])).items).toHaveLength(2);
    expect(await machine.data(['call', 'ai', 'health'])).toEqual({value: {ok: true, items: 4}});
  });

  test('nothing changed: the plan says so, and apply uploads nothing', async () => {
    const before = await stockModal(machine, ['app', 'history', 'shop', '--json']);
    expect(actionsOf(await plan('--refresh'))).toEqual({
      catalog: 'none',
      quote: 'none',
      health: 'none',
      nightly: 'none',
    });
    expect(await machine.run(['plan', '--exit-code'], {cwd})).toMatchObject({code: 0});
    expect((await apply()).resources.map(({action}) => action)).toEqual(Array(4).fill('unchanged'));
    expect(await stockModal(machine, ['app', 'history', 'shop', '--json'])).toBe(before);
  });

  test('a change: per field, per file, and only what was planned is deployed', async () => {
    edit(join(cwd, 'discounts/bulk.py'), '(10, 5)', '(10, 50)');
    edit(join(cwd, 'cloudctl.yaml'), 'timeout: 10', 'timeout: 20');
    writeFileSync(join(cwd, 'shop/extra.py'), 'EXTRA = 1\n');
    const planned = await plan('--out', 'plan.json');
    const health = planned.resources.find(({resource}) => resource === 'health')!;
    expect(health.changes.map(({field}) => field)).toEqual(['code', 'timeout']);
    expect(health.changes).toContainEqual({field: 'timeout', before: 10, after: 20});
    expect(health.package?.delta).toEqual({
      added: ['shop/extra.py'],
      changed: ['discounts/bulk.py'],
      removed: [],
    });
    expect(await machine.run(['plan', '--exit-code'], {cwd})).toMatchObject({code: 9});
    const done = await machine.data<Applied>(['deploy', '--plan', 'plan.json'], {cwd});
    expect(done.resources.filter(({action}) => action === 'updated')).toHaveLength(3);
    expect(await call('quote', pens)).toMatchObject({value: {discount: 50}});
    expect(await machine.run(['deploy', '--plan', 'plan.json'], {cwd})).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no longer holds: .* Nothing was deployed/),
    });
    rmSync(join(cwd, 'plan.json'));
  });

  test('drift: the stock command rolls the app back and deletes the volume, and refresh says what and by whom', async () => {
    await stockModal(machine, ['app', 'rollback', 'shop', 'v1']);
    expect((await call('quote', pens)).value).toMatchObject({discount: 5});
    await stockModal(machine, ['volume', 'delete', 'shop-catalog', '--yes']);
    expect(actionsOf(await plan())).toMatchObject({catalog: 'none', quote: 'none'});
    const {resources, comparedWith} = await plan('--refresh');
    expect(comparedWith).toBe('live');
    expect(resources.find(({resource}) => resource === 'catalog')).toMatchObject({action: 'update', status: 'missing'});
    const quote = resources.find(({resource}) => resource === 'quote')!;
    expect(quote).toMatchObject({action: 'update', status: 'drifted'});
    expect(quote.differences).toEqual([
      expect.objectContaining({what: 'app version', after: expect.stringContaining('rolled back to 1')}),
    ]);
    expect(statusesOf(await machine.data<Listed>(['list', 'ai']))).toEqual({
      quote: 'drifted',
      health: 'drifted',
      nightly: 'drifted',
    });
    expect(statusesOf(await machine.data<Listed>(['list', 'storage']))).toEqual({catalog: 'missing'});
    await apply();
    expect(await call('quote', pens)).toMatchObject({value: {discount: 50}});
    expect(actionsOf(await plan('--refresh'))).toEqual({
      catalog: 'none',
      quote: 'none',
      health: 'none',
      nightly: 'none',
    });
  });

  test('an environment of the file stands beside the rest', async () => {
    const applied = await apply('--environment', 'staging');
    expect(applied.resources.map(({resource}) => resource.resource).sort()).toEqual([
      'catalog@staging',
      'health@staging',
      'quote@staging',
    ]);
    expect(await call('quote@staging', pens)).toMatchObject({value: {total: '6.00 USD'}});
    expect(await call('quote', pens)).toMatchObject({value: {total: '6.00 EUR'}});
    expect(actionsOf(await plan())).toMatchObject({quote: 'none', health: 'none'});
    expect(actionsOf(await plan('--environment', 'staging'))).toEqual({
      'catalog@staging': 'none',
      'quote@staging': 'none',
      'health@staging': 'none',
    });
  });

  test('history and rollback: a real deploy of the snapshot, the files stay as they are', async () => {
    const history = await machine.data<{deployments: {number: number; action: string; current: boolean}[]}>(
      ['history', 'ai', 'quote'],
      {cwd},
    );
    expect(history.deployments.map(({number}) => number)).toEqual([3, 2, 1]);
    const back = await machine.data<{rolledBackTo: number; action: string}>(['rollback', 'ai', 'quote', '--to', '1'], {
      cwd,
    });
    expect(back).toMatchObject({rolledBackTo: 1, action: 'updated'});
    expect(await call('quote', pens)).toMatchObject({value: {discount: 5}});
    expect(await machine.data(['call', 'ai', 'health'])).toEqual({value: {ok: true, items: 4}});
    expect(actionsOf(await plan())).toMatchObject({quote: 'update', health: 'none'});
    await apply();
    expect(await call('quote', pens)).toMatchObject({value: {discount: 50}});
  });

  test('forgotten and adopted: settings and code come back from the deployment', async () => {
    await machine.data(['ledger', 'forget', 'quote', '--provider', 'modal', '--yes']);
    expect(statusesOf(await machine.data<Listed>(['list', 'ai', '--filter', 'app=shop']))).toMatchObject({
      '(quote)': 'unmanaged',
      health: 'deployed',
    });
    const {resource} = await machine.data<{resource: {digest?: string; spec: Record<string, unknown>}}>(
      ['adopt', 'ai', 'quote', '--app', 'shop'],
      {cwd},
    );
    expect(resource.digest).toMatch(/^sha256:/);
    expect(resource.spec).toMatchObject({handler: 'shop.api.quote', memory: 256});
    expect(actionsOf(await plan('--refresh'))).toEqual({
      catalog: 'none',
      quote: 'none',
      health: 'none',
      nightly: 'none',
    });
  });

  test('stopped with the stock command: said, and brought back by apply', async () => {
    await stockModal(machine, ['app', 'stop', 'shop', '--yes']);
    expect(statusesOf(await machine.data<Listed>(['list', 'ai', '--filter', 'app=shop']))).toMatchObject({
      quote: 'stopped',
      health: 'stopped',
    });
    expect((await plan('--refresh')).resources.find(({resource}) => resource === 'health')).toMatchObject({
      status: 'stopped',
    });
    await apply();
    expect(await call('quote', pens)).toMatchObject({value: {discount: 50}});
  });
});

describe('a flat collection of scripts with a data directory', () => {
  const machine = new Machine();
  const cwd = copyProject(machine, 'scripts');
  const options = {cwd};
  afterAll(() => machine.dispose());

  test('deployed with its data but not with what is ignored, called, changed, drifted, adopted, rolled back', async () => {
    const planned = await machine.data<Planned>(['plan'], options);
    const {package: source} = planned.resources[0]! as {package?: {ignored?: {path: string; by: string}[]}};
    expect(source?.ignored).toContainEqual({path: 'data/archive/', by: '.cloudctlignore: data/archive/'});
    await machine.data(['apply'], options);
    expect(await machine.data(['call', 'ai', 'report'], options)).toMatchObject({
      value: {title: 'Orders', total: expect.stringContaining('EUR')},
    });
    expect(await machine.data(['call', 'ai', 'resize', '--data', '{"width": 700, "height": 350}'], options)).toEqual({
      value: [
        {width: 320, height: 160},
        {width: 640, height: 320},
        {width: 700, height: 350},
      ],
    });
    edit(join(cwd, 'settings.json'), 'EUR', 'CHF');
    expect(actionsOf(await machine.data<Planned>(['plan'], options))).toEqual({resize: 'update', report: 'update'});
    await machine.data(['apply'], options);
    expect(await machine.data(['call', 'ai', 'report'], options)).toMatchObject({
      value: {total: expect.stringContaining('CHF')},
    });

    // Somebody deploys a program of their own over it.
    const theirs = machine.project(
      {'theirs.py': 'import modal\napp = modal.App("scripts")\n@app.function()\ndef report():\n    return "theirs"\n'},
      'theirs',
    );
    await stockModal(machine, ['deploy', 'theirs.py'], theirs);
    const {resources} = await machine.data<Planned>(['plan', '--refresh'], options);
    expect(resources.find(({resource}) => resource === 'report')).toMatchObject({status: 'drifted'});
    expect(resources.find(({resource}) => resource === 'resize')).toMatchObject({status: 'missing'});
    await machine.data(['ledger', 'forget', 'report', '--provider', 'modal', '--yes']);
    await machine.data(['adopt', 'ai', 'report', '--app', 'scripts'], options);
    await machine.data(['apply'], options);
    expect(await machine.data(['call', 'ai', 'report'], options)).toMatchObject({value: {title: 'Orders'}});
    const back = await machine.data(['rollback', 'ai', 'resize', '--to', '1'], options);
    expect(back).toMatchObject({rolledBackTo: 1});
    expect(await machine.data(['call', 'ai', 'resize', '--data', '{"width": 1, "height": 1}'], options)).toEqual({
      value: [{width: 1, height: 1}],
    });
  }, 120_000);
});

describe('a src layout with pyproject.toml, uv.lock and an extra', () => {
  const machine = new Machine();
  const cwd = copyProject(machine, 'forecast');
  const options = {cwd};
  const series = {series: [10, 12, 14, 12, 11, 13, 15, 13], since: '2025-01'};
  afterAll(() => machine.dispose());

  test('deployed, called, changed, drifted, adopted, rolled back', async () => {
    await machine.data(['apply'], options);
    const call = async () =>
      (
        await machine.data<{value: {values: Record<string, number>}}>(
          ['call', 'ai', 'predict', '--data', JSON.stringify(series)],
          options,
        )
      ).value;
    expect(Object.keys((await call()).values)).toEqual(['2025-09', '2025-10', '2025-11']);
    edit(join(cwd, 'cloudctl.yaml'), 'FORECAST_HORIZON: "3"', 'FORECAST_HORIZON: "2"');
    expect((await machine.data<Planned>(['plan'], options)).resources[0]!.changes.map(({field}) => field)).toEqual([
      'env',
    ]);
    await machine.data(['apply'], options);
    expect(Object.keys((await call()).values)).toEqual(['2025-09', '2025-10']);
    await stockModal(machine, ['app', 'rollback', 'forecast']);
    expect((await machine.data<Planned>(['plan', '--refresh'], options)).resources[0]).toMatchObject({
      status: 'drifted',
    });
    expect(Object.keys((await call()).values)).toHaveLength(3);
    await machine.data(['ledger', 'forget', 'predict', '--provider', 'modal', '--yes']);
    await machine.data(['adopt', 'ai', 'predict'], options);
    await machine.data(['apply'], options);
    expect(Object.keys((await call()).values)).toHaveLength(2);
    edit(join(cwd, 'cloudctl.yaml'), 'FORECAST_HORIZON: "2"', 'FORECAST_HORIZON: "1"');
    await machine.data(['apply'], options);
    expect(Object.keys((await call()).values)).toHaveLength(1);
    expect(await machine.data(['rollback', 'ai', 'predict'], options)).toMatchObject({rolledBackTo: 2});
    expect(Object.keys((await call()).values)).toHaveLength(2);
  }, 120_000);
});
