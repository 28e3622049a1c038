import {existsSync} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {isDeepStrictEqual} from 'node:util';
import {environmentError, isCloudError, type JsonValue, notFoundError, usageError} from '@cloudctl/provider-sdk';
import {LEDGER_SCHEMA, type LedgerRecord, parseRecord} from '../ledger/record.js';
import {Snapshots} from '../ledger/snapshots.js';
import {Ledger, problemOfKey, type RecordKey} from '../ledger/store.js';
import {placeOf} from './ledger.js';

/** Records as they travel from one machine to another. There are no credentials in them. */
export interface LedgerDocument {
  cloudctl: 'ledger';
  schema: typeof LEDGER_SCHEMA;
  /** ISO 8601, UTC. */
  exportedAt: string;
  /** Version of CloudCTL. */
  client: string;
  records: readonly LedgerRecord[];
}

export function makeDocument(records: readonly LedgerRecord[], client: string): LedgerDocument {
  return {cloudctl: 'ledger', schema: LEDGER_SCHEMA, exportedAt: new Date().toISOString(), client, records};
}

/** Writes an export, as a whole and for the user alone. A file that is there is replaced. */
export async function writeDocument(file: string, document: LedgerDocument): Promise<void> {
  const {default: writeFileAtomic} = await import('write-file-atomic');
  try {
    await writeFileAtomic(file, documentText(document), {mode: 0o600});
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw notFoundError('FILE_NOT_FOUND', `There is no folder for ${file}.`, {cause: error});
    if (code === 'EISDIR' || existsSync(join(file, '.')))
      throw usageError('BAD_FLAG_VALUE', `${file} is a folder; --out takes a file.`, {cause: error});
    throw error;
  }
}

export function documentText(document: LedgerDocument): string {
  return JSON.stringify(document, null, 2);
}

/**
 * The text of an export.
 *
 * @throws CloudError with exit code 3 where there is no such file.
 */
export async function readDocument(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw notFoundError(
      'FILE_NOT_FOUND',
      missing ? `There is no file ${file}.` : `${file} cannot be read: ${(error as Error).message}`,
      {hints: ['Make one on the other machine: cloudctl ledger export --out ledger.json'], cause: error},
    );
  }
}

export interface ImportOptions {
  /** What the text was read from, for people. */
  where: string;
  /** Let records from the document take the place of ones that differ. */
  replace: boolean;
  dryRun: boolean;
}

export interface ImportResult {
  added: readonly LedgerRecord[];
  replaced: readonly LedgerRecord[];
  /** Were here already, just the same. */
  same: readonly LedgerRecord[];
  /** Of those added or replaced: the code is not on this machine. */
  withoutSnapshot: readonly LedgerRecord[];
  /** Of those: the project folder that they were deployed from is not on this machine. */
  withoutProject: readonly LedgerRecord[];
}

/**
 * Takes over the records of an export: all of them or none.
 *
 * @throws CloudError where the document is not one, holds a record that cannot be, or differs from what is here.
 */
export async function importRecords(dataDir: string, text: string, options: ImportOptions): Promise<ImportResult> {
  const ledger = new Ledger(join(dataDir, 'ledger'));
  const snapshots = new Snapshots(join(dataDir, 'snapshots'));
  const records = parseDocument(text, options.where);
  const added: LedgerRecord[] = [];
  const same: LedgerRecord[] = [];
  const differing: [here: LedgerRecord, there: LedgerRecord][] = [];
  for (const record of records) {
    // One here that cannot be read is somebody's knowledge: that ends the import, whatever the flags.
    const here = await ledger.read(record);
    if (here === undefined) added.push(record);
    else if (isDeepStrictEqual(here, record)) same.push(record);
    else differing.push([here, record]);
  }
  if (differing.length > 0 && !options.replace) throw conflict(differing, options.where);
  const replaced = differing.map(([, record]) => record);
  const written = [...added, ...replaced];
  if (!options.dryRun) for (const record of written) await ledger.write(record);
  const coded = written.filter(({package: source}) => source !== undefined);
  return {
    added,
    replaced,
    same,
    withoutSnapshot: coded.filter(({package: source}) => !existsSync(snapshots.directoryOf(source!.digest))),
    withoutProject: coded.filter(({project}) => !existsSync(project)),
  };
}

function parseDocument(text: string, where: string): LedgerRecord[] {
  let content: JsonValue;
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, '')) as JsonValue;
  } catch (error) {
    const why = (error as Error).message.replaceAll(/\s+/g, ' ');
    throw usageError('BAD_JSON', `${where} is not JSON: ${why}`, {
      hints: ['Make an export on the other machine: cloudctl ledger export --out ledger.json'],
      cause: error,
    });
  }
  const {cloudctl, schema, records} = (content ?? {}) as {readonly [key: string]: JsonValue | undefined};
  if (cloudctl !== 'ledger' || !Number.isInteger(schema) || Number(schema) < 1 || !Array.isArray(records)) {
    throw usageError('NOT_AN_EXPORT', `${where} is not an export of a ledger.`, {
      hints: ['Make one on the other machine, without --json: cloudctl ledger export --out ledger.json'],
    });
  }
  if (Number(schema) > LEDGER_SCHEMA) {
    throw environmentError(
      'LEDGER_NEWER',
      `${where} was written by a newer cloudctl (schema ${String(schema)}; this one knows ${LEDGER_SCHEMA}).`,
      {hints: ['Update cloudctl: npm install -g cloudctl']},
    );
  }
  const seen = new Set<string>();
  return (records as readonly JsonValue[]).map((value, i) => {
    const record = parseOne(value, `${i + 1} of ${where}`);
    const problem = problemOfKey(record) ?? (seen.has(keyText(record)) ? 'it is there twice' : undefined);
    if (problem !== undefined) throw badRecord(`The ledger record ${i + 1} of ${where} cannot be: ${problem}.`);
    seen.add(keyText(record));
    return record;
  });
}

function parseOne(value: JsonValue, where: string): LedgerRecord {
  try {
    return parseRecord(JSON.stringify(value), where);
  } catch (error) {
    if (!isCloudError(error) || error.code === 'LEDGER_NEWER') throw error;
    throw badRecord(error.message);
  }
}

function badRecord(message: string): Error {
  return usageError('BAD_RECORD', message, {
    hints: ['Nothing was imported. Make the export again: cloudctl ledger export --out ledger.json'],
  });
}

function conflict(differing: readonly [here: LedgerRecord, there: LedgerRecord][], where: string): Error {
  const many = differing.length > 1;
  return usageError(
    'LEDGER_CONFLICT',
    `${differing.length} record${many ? 's differ from those' : ' differs from the one'} on this machine. Nothing was imported.`,
    {
      hints: [
        ...differing.map(
          ([here, there]) =>
            `${here.type} ${here.resource} (${placeOf(here)}): deployed at ${here.deployedAt} here, at ${there.deployedAt} in ${where}`,
        ),
        `Add --replace to take ${many ? 'those' : 'that'} of ${where} instead.`,
      ],
      data: {conflicts: differing.map(([here]) => keyOf(here))},
    },
  );
}

/** What identifies the record, for `--json`. */
export function keyOf({provider, target, scope, type, resource}: LedgerRecord): RecordKey {
  return {provider, target, scope, type, resource};
}

function keyText({provider, target, scope, type, resource}: RecordKey): string {
  return [provider, target, scope.workspace, scope.environment, type, resource].join('\0');
}
