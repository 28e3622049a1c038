import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, test} from '@jest/globals';
import type {LedgerRecord} from '../../../src/ledger/record.js';
import {Ledger} from '../../../src/ledger/store.js';
import {documentText, importRecords, makeDocument, writeDocument} from '../../../src/services/ledger-transfer.js';
import {makeRecord} from './records.js';

let dataDir: string;
let ledger: Ledger;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'cloudctl-transfer-'));
  ledger = new Ledger(join(dataDir, 'ledger'));
});

afterEach(() => {
  rmSync(dataDir, {recursive: true, force: true});
});

const exported = (...records: LedgerRecord[]): string => documentText(makeDocument(records, '0.2.0'));

const bring = (text: string, flags: {replace?: boolean; dryRun?: boolean} = {}) =>
  importRecords(dataDir, text, {where: 'ledger.json', replace: false, dryRun: false, ...flags});

const resources = (records: readonly LedgerRecord[]): string[] => records.map(({resource}) => resource);

const here = async (): Promise<string[]> => resources((await ledger.list()).records);

describe('an import', () => {
  test('brings back what was exported, record for record', async () => {
    const records = [makeRecord('one'), makeRecord('two', {target: 'cloud'})];
    const result = await bring(exported(...records));
    expect(resources(result.added)).toEqual(['one', 'two']);
    expect(await ledger.read(records[0]!)).toEqual(records[0]);
    expect(await ledger.read(records[1]!)).toEqual(records[1]);
  });

  test('adds what is missing and leaves what is the same, also by another order of fields', async () => {
    await ledger.write(makeRecord('one'));
    const turned = Object.fromEntries(Object.entries(makeRecord('one')).reverse()) as unknown as LedgerRecord;
    const result = await bring(exported(turned, makeRecord('two')));
    expect([resources(result.added), resources(result.same)]).toEqual([['two'], ['one']]);
  });

  test('refuses all where one differs, and names it', async () => {
    await ledger.write(makeRecord('one'));
    await expect(bring(exported(makeRecord('new'), makeRecord('one', {id: 'other'})))).rejects.toMatchObject({
      code: 'LEDGER_CONFLICT',
      exitCode: 2,
      hints: expect.arrayContaining([expect.stringContaining('ai one'), expect.stringContaining('--replace')]),
      data: {conflicts: [expect.objectContaining({resource: 'one'})]},
    });
    expect(await here()).toEqual(['one']);
    expect((await ledger.read(makeRecord('one')))?.id).toBe('fu-one');
  });

  test('with --replace takes the place of what differs', async () => {
    await ledger.write(makeRecord('one'));
    const result = await bring(exported(makeRecord('one', {id: 'other'})), {replace: true});
    expect(resources(result.replaced)).toEqual(['one']);
    expect((await ledger.read(makeRecord('one')))?.id).toBe('other');
  });

  test('with --dry-run writes nothing', async () => {
    await ledger.write(makeRecord('one'));
    const text = exported(makeRecord('one', {id: 'other'}), makeRecord('two'));
    const result = await bring(text, {replace: true, dryRun: true});
    expect([resources(result.added), resources(result.replaced)]).toEqual([['two'], ['one']]);
    expect(await here()).toEqual(['one']);
    expect((await ledger.read(makeRecord('one')))?.id).toBe('fu-one');
  });

  test('takes records of schema 1, too', async () => {
    const {deployments: _, ...old} = makeRecord('old');
    const document = {...makeDocument([], '0.1.0'), schema: 1, records: [{...old, schema: 1}]};
    await bring(JSON.stringify(document));
    expect((await ledger.read(makeRecord('old')))?.deployments).toMatchObject([{number: 1, action: 'created'}]);
  });

  test.each([false, true])('never touches a record here that cannot be read (replace: %s)', async replace => {
    await ledger.write(makeRecord('one'));
    const file = join(dataDir, 'ledger/modal/local/local/main/ai/one.json');
    writeFileSync(file, '{');
    await expect(bring(exported(makeRecord('a'), makeRecord('one')), {replace})).rejects.toMatchObject({
      code: 'LEDGER_DAMAGED',
    });
    expect(readFileSync(file, 'utf8')).toBe('{');
    expect(await here()).toEqual([]);
  });

  test('tells whose code and whose project are not here', async () => {
    const source = {digest: 'sha256:aa', files: 1, bytes: 2};
    const kept = {digest: 'sha256:bb', files: 1, bytes: 2};
    mkdirSync(join(dataDir, 'snapshots/sha256-bb'), {recursive: true});
    const result = await bring(
      exported(
        makeRecord('away', {package: source}),
        makeRecord('here', {package: kept, project: dataDir}),
        makeRecord('disk', {type: 'storage'}),
      ),
    );
    expect(resources(result.withoutSnapshot)).toEqual(['away']);
    expect(resources(result.withoutProject)).toEqual(['away']);
  });

  const good = makeRecord('good');
  test.each<[string, unknown, string, number]>([
    ['no JSON', '{"cloudctl"', 'BAD_JSON', 2],
    ['nothing', '', 'BAD_JSON', 2],
    ['null', 'null', 'NOT_AN_EXPORT', 2],
    ['a list', [good], 'NOT_AN_EXPORT', 2],
    ['another document', {name: 'package', version: '1.0.0'}, 'NOT_AN_EXPORT', 2],
    ['a plan', {cloudctl: 'plan', schema: 2, records: [good]}, 'NOT_AN_EXPORT', 2],
    ['an envelope', {data: makeDocument([good], '0.2.0'), warnings: []}, 'NOT_AN_EXPORT', 2],
    ['no records', {cloudctl: 'ledger', schema: 2}, 'NOT_AN_EXPORT', 2],
    ['no schema', {cloudctl: 'ledger', records: [good]}, 'NOT_AN_EXPORT', 2],
    ['a newer export', {cloudctl: 'ledger', schema: 3, records: [good]}, 'LEDGER_NEWER', 7],
    ['a newer record', {cloudctl: 'ledger', schema: 2, records: [good, {...good, schema: 3}]}, 'LEDGER_NEWER', 7],
    ['a record that is none', {cloudctl: 'ledger', schema: 2, records: [good, 5]}, 'BAD_RECORD', 2],
    ['half a record', {cloudctl: 'ledger', schema: 2, records: [good, {...good, id: 5}]}, 'BAD_RECORD', 2],
    ['a record twice', {cloudctl: 'ledger', schema: 2, records: [good, {...good, id: 'other'}]}, 'BAD_RECORD', 2],
  ])('refuses %s', async (_, document, code, exitCode) => {
    const text = typeof document === 'string' ? document : JSON.stringify(document);
    await expect(bring(text, {replace: true})).rejects.toMatchObject({code, exitCode});
    expect(await here()).toEqual([]);
  });

  test.each<[string, Partial<LedgerRecord>]>([
    ['resource', {resource: '../x'}],
    ['resource', {resource: '..'}],
    ['resource', {resource: ''}],
    ['resource', {resource: 'a'.repeat(65)}],
    ['provider', {provider: '../../etc'}],
    ['target', {target: '.'}],
    ['type', {type: 'ai/../..'}],
    ['workspace', {scope: {workspace: '..\\up', environment: 'main'}}],
    ['environment', {scope: {workspace: 'local', environment: '/etc'}}],
    ['environment', {scope: {workspace: 'local', environment: ''}}],
    ['environment', {scope: {workspace: 'local', environment: 'a\nb'}}],
    ['workspace', {scope: {workspace: '\u{1F600}'.repeat(50), environment: 'main'}}],
  ])('refuses a name that no %s can have: %j', async (part, changes) => {
    await expect(bring(exported(good, makeRecord('bad', changes)))).rejects.toMatchObject({
      code: 'BAD_RECORD',
      exitCode: 2,
      message: expect.stringContaining(part),
    });
    expect(readdirSync(dataDir)).toEqual([]);
  });
});

describe('an exported file', () => {
  test('is for its owner alone, and replaces the one before as a whole', async () => {
    const file = join(dataDir, 'ledger.json');
    writeFileSync(file, 'x'.repeat(100_000), {mode: 0o644});
    const document = makeDocument([makeRecord('one')], '0.2.0');
    await writeDocument(file, document);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(document);
    expect(readdirSync(dataDir)).toEqual(['ledger.json']);
  });

  test.each([
    ['a folder that is not there', 'none/ledger.json', 'FILE_NOT_FOUND', 3],
    ['a folder', '.', 'BAD_FLAG_VALUE', 2],
  ])('cannot be %s', async (_, path, code, exitCode) => {
    const written = writeDocument(join(dataDir, path), makeDocument([], '0.2.0'));
    await expect(written).rejects.toMatchObject({code, exitCode});
  });
});
