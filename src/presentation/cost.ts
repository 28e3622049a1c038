import type {CostBlock, CostView} from '@cloudctl/provider-sdk';
import type {CostResult, ResourceCost} from '../services/cost.js';

/** Days after which prices are called old. */
const OLD_DAYS = 45;

/** Costs as they are shown to people. */
export function costView(provider: string, target: string, result: CostResult): CostView {
  const {currency} = result.prices;
  const money = (amount: string): string => `$${amount} ${currency}`;
  const {hourly, monthly} = result.total;
  const none =
    result.resources.length === 0 ? `Nothing is deployed on ${provider} (target ${target}) from this machine. ` : '';
  return {
    provider,
    blocks: result.resources.map(resource => block(resource, money)),
    total: [
      {label: 'Total Hourly', value: money(hourly)},
      {label: 'Total Monthly', value: money(monthly)},
    ],
    source: none + pricesLine(result),
  };
}

function pricesLine({prices, ageDays}: CostResult): string {
  const old = ageDays > OLD_DAYS ? `, ${ageDays} days old` : '';
  return `Prices: ${prices.source}, ${prices.date} (bundled${old}); 720 h a month.`;
}

function block(resource: ResourceCost, money: (amount: string) => string): CostBlock {
  const {resource: name, type} = resource.record;
  const lines = [...resource.facts];
  if ('unknown' in resource)
    return {resource: name, type, lines, problem: `no price for ${resource.unknown.join(', ')}`};
  if (resource.hourly !== undefined) lines.push({label: 'Estimated Hourly Cost', value: money(resource.hourly)});
  lines.push({label: 'Estimated Monthly Cost', value: money(resource.monthly)});
  return {resource: name, type, lines};
}

/** Costs as data; money is text, because binary fractions are not. */
export function costToJson(
  provider: string,
  target: string,
  {resources, total, prices, ageDays}: CostResult,
): {resources: object[]; total: object; rates: object} {
  const {version, date, currency, source} = prices;
  return {
    resources: resources.map(({record, facts, ...cost}) => ({
      provider,
      target,
      resource: record.resource,
      type: record.type,
      name: record.name,
      ...(record.app === undefined ? {} : {app: record.app}),
      facts: Object.fromEntries(facts.map(({label, value}) => [label, value])),
      ...('unknown' in cost ? {priceUnknown: cost.unknown} : cost),
    })),
    total,
    rates: {source, date, version, currency, origin: 'bundled', ageDays},
  };
}
