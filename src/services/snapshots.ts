import {join} from 'node:path';
import {referencedDigests} from '../ledger/record.js';
import {Snapshots} from '../ledger/snapshots.js';
import {Ledger} from '../ledger/store.js';

/**
 * Removes the snapshots that no record and no history refers to.
 *
 * Where a record cannot be read nobody knows what it refers to, and everything stays.
 */
export async function collectSnapshots(dataDir: string): Promise<{removed: number; bytes: number}> {
  const {records, problems} = await new Ledger(join(dataDir, 'ledger')).list();
  if (problems.length > 0) return {removed: 0, bytes: 0};
  return new Snapshots(join(dataDir, 'snapshots')).collect(new Set(records.flatMap(referencedDigests)));
}
