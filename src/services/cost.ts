import type {CloudError, PriceList} from '@cloudctl/provider-sdk';
import {type Estimate, estimate, total, type UnknownPrice} from '../cost/estimate.js';
import {type LedgerRecord, toResourceRecord} from '../ledger/record.js';
import {methodOf} from '../providers/loading.js';
import type {Session} from './session.js';

export type ResourceCost = {record: LedgerRecord} & (Estimate | UnknownPrice);

export interface CostResult {
  resources: readonly ResourceCost[];
  total: {hourly: string; monthly: string};
  prices: PriceList;
  /** Days since the prices were read. */
  ageDays: number;
  problems: readonly CloudError[];
}

/** What everything in the ledger costs, with the bundled prices. Asks nobody. */
export async function estimateCosts(session: Session, now = new Date()): Promise<CostResult> {
  const {definition, implementation, target, ledger, snapshots} = session;
  const [prices, {records, problems}] = await Promise.all([
    implementation.prices(),
    ledger.list({provider: definition.name, target: target.name}),
  ]);
  const resources = records.map(record => {
    const meter = methodOf(definition, implementation, record.type, 'meter');
    const metering = meter(toResourceRecord(record, digest => snapshots.directoryOf(digest)));
    return {record, ...estimate(metering, prices)};
  });
  const known = resources.filter((resource): resource is {record: LedgerRecord} & Estimate => !('unknown' in resource));
  const ageDays = Math.floor((now.getTime() - Date.parse(prices.date)) / 86_400_000);
  return {resources, total: total(known), prices, ageDays, problems};
}
