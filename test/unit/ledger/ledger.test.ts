import {spawnSync} from 'node:child_process';
import {copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterEach, beforeEach, describe, expect, test} from '@jest/globals';
import {withLock} from '../../../src/ledger/lock.js';
import {deploymentOf, HISTORY_LENGTH, type LedgerRecord, withDeployment} from '../../../src/ledger/record.js';
import {Ledger} from '../../../src/ledger/store.js';
import {makeRecord as record} from './records.js';

let root: string;
let ledger: Ledger;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cloudctl-ledger-'));
  ledger = new Ledger(join(root, 'ledger'));
});

afterEach(() => {
  rmSync(root, {recursive: true, force: true});
});

const fileOf = (resource: string): string => join(root, 'ledger/modal/local/local/main/ai', `${resource}.json`);

describe('the ledger', () => {
  test('reads back what it wrote, and lists by provider, target, type and app', async () => {
    await ledger.write(record('one'));
    await ledger.write(record('two', {app: 'other'}));
    await ledger.write(record('one', {target: 'cloud', scope: {workspace: 'acme', environment: 'prod'}}));
    expect(await ledger.read(record('one'))).toEqual(record('one'));
    expect(await ledger.read(record('none'))).toBeUndefined();
    const names = async (filter: object): Promise<string[]> =>
      (await ledger.list(filter)).records.map(({resource, target}) => `${target} ${resource}`);
    expect(await names({})).toEqual(['cloud one', 'local one', 'local two']);
    expect(await names({target: 'local', app: 'other'})).toEqual(['local two']);
    expect(await names({target: 'cloud', scope: {workspace: 'acme', environment: 'dev'}})).toEqual([]);
  });

  test('workspaces do not mix', async () => {
    await ledger.write(record('one', {scope: {workspace: 'a', environment: 'main'}, id: 'in-a'}));
    await ledger.write(record('one', {scope: {workspace: 'b', environment: 'main'}, id: 'in-b'}));
    expect((await ledger.read(record('one', {scope: {workspace: 'a', environment: 'main'}})))?.id).toBe('in-a');
  });

  test.each([
    ['not JSON', '{"schema": 1,', 'LEDGER_DAMAGED'],
    ['empty', '', 'LEDGER_DAMAGED'],
    ['not an object', '[]', 'LEDGER_DAMAGED'],
    ['without fields', '{"schema": 1}', 'LEDGER_DAMAGED'],
    ['without its history', JSON.stringify({...record('bad'), deployments: undefined}), 'LEDGER_DAMAGED'],
    ['with a history of nonsense', JSON.stringify({...record('bad'), deployments: [null]}), 'LEDGER_DAMAGED'],
    ['with an app that is no text', JSON.stringify({...record('bad'), app: 5}), 'LEDGER_DAMAGED'],
    [
      'with a digest that leads elsewhere',
      JSON.stringify(record('bad', {package: {digest: '../../secrets', files: 1, bytes: 1}})),
      'LEDGER_DAMAGED',
    ],
    ["another resource's", JSON.stringify(record('other')), 'LEDGER_MISPLACED'],
    ['of a newer version', '{"schema": 99, "provider": "modal"}', 'LEDGER_NEWER'],
  ])('a record that is %s is refused, reported in a list, and never overwritten', async (_, text, code) => {
    await ledger.write(record('good'));
    mkdirSync(dirname(fileOf('bad')), {recursive: true});
    writeFileSync(fileOf('bad'), text);
    await expect(ledger.read(record('bad'))).rejects.toMatchObject({code, exitCode: 7});
    await expect(ledger.write(record('bad'))).rejects.toMatchObject({code});
    expect(readFileSync(fileOf('bad'), 'utf8')).toBe(text);
    const {records, problems} = await ledger.list();
    expect(records.map(({resource}) => resource)).toEqual(['good']);
    expect(problems).toMatchObject([{code}]);
  });

  test("a record that was copied by hand is a problem, not somebody else's", async () => {
    await ledger.write(record('one'));
    copyFileSync(fileOf('one'), fileOf('two'));
    await expect(ledger.read(record('two'))).rejects.toMatchObject({
      code: 'LEDGER_MISPLACED',
      exitCode: 7,
      hints: expect.arrayContaining([expect.stringContaining(fileOf('one'))]),
    });
    const {records, problems} = await ledger.list();
    expect(records.map(({resource}) => resource)).toEqual(['one']);
    expect(problems).toMatchObject([{code: 'LEDGER_MISPLACED'}]);
  });

  test('looking for one NAME opens no other record', async () => {
    await ledger.write(record('one'));
    await ledger.write(record('one', {target: 'cloud', scope: {workspace: 'acme', environment: 'prod'}}));
    writeFileSync(fileOf('bad'), '{');
    const {records, problems} = await ledger.list({resource: 'one'});
    expect(records.map(({target}) => target)).toEqual(['cloud', 'local']);
    expect(problems).toEqual([]);
    expect((await ledger.list({resource: 'one', environment: 'prod'})).records.map(({target}) => target)).toEqual([
      'cloud',
    ]);
    expect((await ledger.list({resource: 'bad'})).problems).toHaveLength(1);
  });

  test('names cannot leave the ledger', async () => {
    await ledger.write(record('..', {scope: {workspace: '../../up', environment: 'a/b'}}));
    const {records} = await ledger.list();
    expect(records).toHaveLength(1);
    await ledger.remove(records[0]!);
    expect((await ledger.list()).records).toEqual([]);
  });
});

/** As version 0.1.0 wrote it. */
const SCHEMA_1 = `{
  "schema": 1,
  "provider": "modal",
  "target": "local",
  "scope": {
    "workspace": "local",
    "environment": "main"
  },
  "type": "ai",
  "resource": "old",
  "name": "old",
  "app": "app",
  "id": "fu-0123456789abcdef012345",
  "spec": {
    "handler": "main.handler",
    "cpu": 0.25,
    "env": {}
  },
  "package": {
    "digest": "sha256:9d7f34caee94ed508e34ef1d5041fd94fe6327e678c102f54388248dcecf4aac",
    "files": 1,
    "bytes": 35
  },
  "url": "http://127.0.0.1:7777/old",
  "createdAt": "2026-01-01T00:00:00.000Z",
  "deployedAt": "2026-01-02T00:00:00.000Z",
  "project": "/home/someone/project",
  "client": "0.1.0",
  "prices": {
    "version": "1",
    "date": "2026-01-01"
  }
}
`;

describe('a record of schema 1', () => {
  const write = (text = SCHEMA_1): void => {
    mkdirSync(dirname(fileOf('old')), {recursive: true});
    writeFileSync(fileOf('old'), text);
  };

  test('reads as schema 2, with its one deployment as number 1', async () => {
    write();
    const {schema: _, ...fields} = JSON.parse(SCHEMA_1) as LedgerRecord;
    const {name, app, spec, package: source, deployedAt, client, prices} = fields;
    const deployment = {number: 1, action: 'created', name, app, spec, package: source, deployedAt, client, prices};
    const expected = {...fields, schema: 2, deployments: [deployment]};
    expect(await ledger.read(record('old'))).toEqual(expected);
    expect((await ledger.list()).records).toEqual([expected]);
  });

  test('is left as it is by reading, and written as schema 2 by the next write', async () => {
    write();
    const read = await ledger.read(record('old'));
    await ledger.list();
    expect(readFileSync(fileOf('old'), 'utf8')).toBe(SCHEMA_1);
    const next = {...read!, deployedAt: '2026-01-03T00:00:00Z'};
    await ledger.write({...next, deployments: withDeployment(next.deployments, deploymentOf(next, 'updated', 2))});
    const written = JSON.parse(readFileSync(fileOf('old'), 'utf8')) as LedgerRecord;
    expect(written.schema).toBe(2);
    expect(written.deployments.map(({number, action, deployedAt}) => [number, action, deployedAt])).toEqual([
      [1, 'created', '2026-01-02T00:00:00.000Z'],
      [2, 'updated', '2026-01-03T00:00:00Z'],
    ]);
    expect(await ledger.read(record('old'))).toEqual(written);
  });

  test.each([
    ['damaged', SCHEMA_1.replace('"id"', '"ID"'), 'LEDGER_DAMAGED'],
    ['that says schema 3', SCHEMA_1.replace('"schema": 1', '"schema": 3'), 'LEDGER_NEWER'],
    ['that says schema 0', SCHEMA_1.replace('"schema": 1', '"schema": 0'), 'LEDGER_DAMAGED'],
    ['that says no schema', SCHEMA_1.replace('"schema": 1', '"schema": "1"'), 'LEDGER_DAMAGED'],
  ])('one that is %s is never overwritten', async (_, text, code) => {
    write(text);
    await expect(ledger.read(record('old'))).rejects.toMatchObject({code});
    await expect(ledger.write(record('old'))).rejects.toMatchObject({code});
    expect(readFileSync(fileOf('old'), 'utf8')).toBe(text);
  });
});

test('a history forgets its oldest deployments, and numbers go on', () => {
  let {deployments} = record('one');
  for (let number = 2; number <= HISTORY_LENGTH + 3; number++)
    deployments = withDeployment(deployments, deploymentOf(record('one'), 'updated', number));
  expect(deployments.map(({number}) => number)).toEqual(Array.from({length: HISTORY_LENGTH}, (_, i) => i + 4));
});

describe('a lock', () => {
  const options = (waitMs: number) => ({
    title: 'app "x"',
    signal: new AbortController().signal,
    report: () => undefined,
    waitMs,
  });

  test('lets one work at a time; the second is told that it waited', async () => {
    const order: string[] = [];
    const first = withLock(root, 'x', options(5000), async ({waited}) => {
      order.push(`first in, waited ${waited}`);
      await sleep(300);
      order.push('first out');
    });
    await sleep(100);
    const second = withLock(root, 'x', options(5000), async ({waited}) => {
      order.push(`second in, waited ${waited}`);
    });
    await Promise.all([first, second]);
    expect(order).toEqual(['first in, waited false', 'first out', 'second in, waited true']);
  });

  test('names the holder when it does not let go', async () => {
    await withLock(root, 'x', options(5000), async () => {
      await expect(withLock(root, 'x', options(200), async () => undefined)).rejects.toMatchObject({
        code: 'LOCKED',
        exitCode: 7,
        message: expect.stringContaining(`process ${process.pid}`),
      });
    });
  });

  test('of a process that was killed is free long before it goes stale', async () => {
    const script = `import lockfile from 'proper-lockfile'; import {writeFileSync} from 'node:fs'; import {hostname} from 'node:os';
      const path = process.argv[1];
      await lockfile.lock(path, {realpath: false});
      writeFileSync(path + '.holder', 'process ' + process.pid + ' on ' + hostname() + ' since now');
      process.kill(process.pid, 'SIGKILL');`;
    spawnSync(process.execPath, ['--input-type=module', '-e', script, join(root, 'x')], {
      cwd: process.cwd(),
      env: {...process.env, NODE_OPTIONS: ''},
    });
    expect(existsSync(join(root, 'x.lock'))).toBe(true);
    // Half of what an abandoned lock needs to go stale by itself.
    expect(await withLock(root, 'x', options(5000), async () => 'mine')).toBe('mine');
  });

  test('is let go when the work fails', async () => {
    await expect(withLock(root, 'x', options(200), async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(root, 'x', options(200), async () => 'free')).toBe('free');
  });
});
