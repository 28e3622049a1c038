import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterEach, beforeEach, describe, expect, test} from '@jest/globals';
import {withLock} from '../../../src/ledger/lock.js';
import type {LedgerRecord} from '../../../src/ledger/record.js';
import {Ledger} from '../../../src/ledger/store.js';

let root: string;
let ledger: Ledger;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cloudctl-ledger-'));
  ledger = new Ledger(join(root, 'ledger'));
});

afterEach(() => {
  rmSync(root, {recursive: true, force: true});
});

function record(resource: string, changes: Partial<LedgerRecord> = {}): LedgerRecord {
  return {
    schema: 1,
    provider: 'modal',
    target: 'local',
    scope: {workspace: 'local', environment: 'main'},
    type: 'ai',
    resource,
    name: resource,
    app: 'app',
    id: `fu-${resource}`,
    spec: {cpu: 0.25},
    createdAt: '2026-01-01T00:00:00Z',
    deployedAt: '2026-01-01T00:00:00Z',
    project: '/project',
    client: '0.1.0',
    ...changes,
  };
}

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

  test('names cannot leave the ledger', async () => {
    await ledger.write(record('..', {scope: {workspace: '../../up', environment: 'a/b'}}));
    const {records} = await ledger.list();
    expect(records).toHaveLength(1);
    await ledger.remove(records[0]!);
    expect((await ledger.list()).records).toEqual([]);
  });
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

  test('is let go when the work fails', async () => {
    await expect(withLock(root, 'x', options(200), async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(root, 'x', options(200), async () => 'free')).toBe('free');
  });
});
