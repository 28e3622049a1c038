import type {PriceList, ResourceRecord, ResourceTypes} from '@cloudctl/provider-sdk';
import {type Estimate, estimate, total, type UnknownPrice} from '../cost/estimate.js';
import {type LedgerRecord, toResourceRecord} from '../ledger/record.js';
import {methodOf} from '../providers/loading.js';
import type {Desired} from './desired.js';
import type {Session} from './session.js';

/** What a resource that is always on costs, as it is and as it would be. */
export interface CostChange {
  /** Absent for what is not deployed, or of which nobody knows how. */
  before?: Estimate | UnknownPrice;
  after: Estimate | UnknownPrice;
  prices: Pick<PriceList, 'currency' | 'date' | 'version'>;
}

/** Prices a resource before it is deployed, with the bundled prices. Nothing where the provider does not meter it. */
export async function costChange(
  {definition, implementation, target, snapshots}: Session,
  {type, resource, name, app, spec}: Desired,
  previous: LedgerRecord | undefined,
): Promise<CostChange | undefined> {
  if ((definition.resources as ResourceTypes)[type]?.operations.meter.supported !== true) return undefined;
  const meter = methodOf(definition, implementation, type, 'meter');
  const prices = await implementation.prices();
  const wanted: ResourceRecord = {
    ...{type, resource, name, spec, id: '', target: target.name, createdAt: '', deployedAt: ''},
    ...(app === undefined ? {} : {app}),
  };
  const isKnown = previous !== undefined && Object.keys(previous.spec).length > 0;
  const {currency, date, version} = prices;
  return {
    ...(isKnown
      ? {before: estimate(meter(toResourceRecord(previous, digest => snapshots.directoryOf(digest))), prices)}
      : {}),
    after: estimate(meter(wanted), prices),
    prices: {currency, date, version},
  };
}

/** A month of everything, as it is and as it would be: decimal text. Nothing where no price is known. */
export function totalChange(
  costs: readonly CostChange[],
): {before: string; after: string; currency: string; unknown: number} | undefined {
  const [first] = costs;
  if (first === undefined) return undefined;
  const known = (estimates: readonly (Estimate | UnknownPrice | undefined)[]): Estimate[] =>
    estimates.flatMap(each => (each === undefined || 'unknown' in each ? [] : [each]));
  return {
    before: total(known(costs.map(({before}) => before))).monthly,
    after: total(known(costs.map(({after}) => after))).monthly,
    currency: first.prices.currency,
    unknown: costs.filter(({after}) => 'unknown' in after).length,
  };
}
