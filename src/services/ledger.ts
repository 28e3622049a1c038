import type {LedgerRecord} from '../ledger/record.js';
import {Ledger, type LedgerFilter} from '../ledger/store.js';

/** Forgets records. What is deployed stays deployed. */
export async function forgetRecords(
  directory: string,
  filter: LedgerFilter,
  resource?: string,
): Promise<readonly LedgerRecord[]> {
  const ledger = new Ledger(directory);
  const {records, problems} = await ledger.list(filter);
  if (problems[0] !== undefined) throw problems[0];
  const chosen = records.filter(record => resource === undefined || record.resource === resource);
  for (const record of chosen) await ledger.remove(record);
  return chosen;
}
