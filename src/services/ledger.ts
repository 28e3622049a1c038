import type {CloudError} from '@cloudctl/provider-sdk';
import type {LedgerRecord} from '../ledger/record.js';
import {Ledger, type LedgerFilter} from '../ledger/store.js';

/** Forgets records. What is deployed stays deployed; a record that cannot be read stays, and is reported. */
export async function forgetRecords(
  directory: string,
  filter: LedgerFilter,
  resource?: string,
): Promise<{forgotten: readonly LedgerRecord[]; problems: readonly CloudError[]}> {
  const ledger = new Ledger(directory);
  const {records, problems} = await ledger.list(filter);
  const chosen = records.filter(record => resource === undefined || record.resource === resource);
  for (const record of chosen) await ledger.remove(record);
  return {forgotten: chosen, problems};
}
