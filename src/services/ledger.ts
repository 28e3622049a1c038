import {join} from 'node:path';
import {type CloudError, didYouMean, notFoundError} from '@cloudctl/provider-sdk';
import type {LedgerRecord} from '../ledger/record.js';
import {Ledger, type LedgerContents, type LedgerFilter} from '../ledger/store.js';
import {collectSnapshots} from './snapshots.js';

export type {Deployment, LedgerRecord} from '../ledger/record.js';
export type {LedgerContents, RecordKey} from '../ledger/store.js';

/** Which records a command is about. */
export type LedgerQuery = Pick<LedgerFilter, 'provider' | 'target' | 'environment' | 'type' | 'resource'>;

/**
 * The records that fit, by type and name; those of one resource newest first.
 *
 * @throws CloudError with exit code 3 where a NAME is asked for that is in no record.
 */
export async function findRecords(dataDir: string, query: LedgerQuery): Promise<LedgerContents> {
  const ledger = new Ledger(join(dataDir, 'ledger'));
  const {records, problems} = await ledger.list(query);
  if (query.resource === undefined) return {records, problems};
  if (records.length === 0) throw problems[0] ?? (await notInLedger(ledger, query));
  return {records: [...records].sort((a, b) => b.deployedAt.localeCompare(a.deployedAt)), problems};
}

async function notInLedger(ledger: Ledger, {resource, type, ...where}: LedgerQuery): Promise<Error> {
  const {records} = await ledger.list();
  const ofType = records.filter(record => type === undefined || record.type === type);
  const flags = Object.entries(where).flatMap(([flag, value]) => (value === undefined ? [] : [`${flag} ${value}`]));
  const elsewhere = ofType.filter(record => record.resource === resource);
  return notFoundError(
    'RESOURCE_NOT_FOUND',
    `The ledger of this machine knows no ${type ?? 'resource'} "${resource}"${flags.length === 0 ? '' : ` with ${flags.join(', ')}`}.`,
    {
      hints: [
        ...elsewhere.map(record => `There is one on ${placeOf(record)}.`),
        ...(elsewhere.length > 0 ? [] : didYouMean(resource!, namesOf(ofType))),
        ...(ofType.length > 0 || type === undefined
          ? []
          : didYouMean(type, new Set(records.map(record => record.type)))),
        'See what there is: cloudctl ledger show',
      ],
    },
  );
}

function namesOf(records: readonly LedgerRecord[]): ReadonlySet<string> {
  return new Set(records.map(({resource}) => resource));
}

/** `modal, target local, environment local/main`. */
export function placeOf({provider, target, scope}: Pick<LedgerRecord, 'provider' | 'target' | 'scope'>): string {
  return `${provider}, target ${target}, environment ${scope.workspace}/${scope.environment}`;
}

/** Forgets records. What is deployed stays deployed; a record that cannot be read stays, and is reported. */
export async function forgetRecords(
  dataDir: string,
  filter: LedgerFilter,
  resource?: string,
): Promise<{forgotten: readonly LedgerRecord[]; problems: readonly CloudError[]}> {
  const ledger = new Ledger(join(dataDir, 'ledger'));
  const {records, problems} = await ledger.list(filter);
  const chosen = records.filter(record => resource === undefined || record.resource === resource);
  for (const record of chosen) await ledger.remove(record);
  if (chosen.length > 0) await collectSnapshots(dataDir);
  return {forgotten: chosen, problems};
}
