import type {Fact, Metering, PriceList, Usage} from '@cloudctl/provider-sdk';
import {Decimal} from 'decimal.js';

/** Hours in the month of every estimate. */
export const HOURS_PER_MONTH = 720;

const HOURLY_PLACES = 3;
const MONEY_PLACES = 2;

/** Money as decimal text, in the price list's currency. `Exact` is unrounded. */
export interface Estimate {
  facts: readonly Fact[];
  /** Absent where nothing is billed by the hour. */
  hourly?: string;
  hourlyExact?: string;
  /** 720 hours of the rounded hourly figure, plus what is billed by the month. */
  monthly: string;
  monthlyExact: string;
  components: readonly Component[];
}

export interface Component {
  label: string;
  quantity: string;
  unit: string;
  per: 'hour' | 'month';
  rate: string;
  price: string;
  cost: string;
  note?: string;
}

/** A rate that the price list does not have. Never priced as zero. */
export interface UnknownPrice {
  facts: readonly Fact[];
  unknown: readonly string[];
}

/** What a resource costs that is always on. */
export function estimate(metering: Metering, prices: PriceList): Estimate | UnknownPrice {
  const unknown = metering.usage.filter(({rate}) => prices.rates[rate] === undefined).map(({rate}) => rate);
  if (unknown.length > 0) return {facts: metering.facts, unknown};
  const components = metering.usage.map(usage => price(usage, prices));
  const sum = (per: Component['per']): Decimal =>
    components.filter(component => component.per === per).reduce((total, {cost}) => total.plus(cost), new Decimal(0));
  const hourlyExact = sum('hour');
  const hourly = hourlyExact.toDecimalPlaces(HOURLY_PLACES, Decimal.ROUND_HALF_UP);
  const byMonth = sum('month');
  const monthlyExact = hourlyExact.times(HOURS_PER_MONTH).plus(byMonth);
  const monthly = hourly.times(HOURS_PER_MONTH).plus(byMonth);
  const byHour = components.some(({per}) => per === 'hour');
  return {
    facts: metering.facts,
    ...(byHour ? {hourly: hourly.toFixed(HOURLY_PLACES), hourlyExact: hourlyExact.toString()} : {}),
    monthly: monthly.toFixed(MONEY_PLACES),
    monthlyExact: monthlyExact.toString(),
    components,
  };
}

function price(usage: Usage, prices: PriceList): Component {
  const rate = prices.rates[usage.rate]!;
  const {label, quantity, unit, per} = usage;
  const cost = new Decimal(quantity).times(rate.price).toString();
  return {
    label,
    quantity,
    unit,
    per,
    rate: usage.rate,
    price: rate.price,
    cost,
    ...(rate.note === undefined ? {} : {note: rate.note}),
  };
}

/** Sums of estimates, exact: rounding happens once for each resource, so that the parts add up to the total. */
export function total(estimates: readonly Estimate[]): {hourly: string; monthly: string} {
  const add = (values: readonly string[], places: number): string =>
    values.reduce((sum, value) => sum.plus(value), new Decimal(0)).toFixed(places);
  return {
    hourly: add(
      estimates.map(({hourly}) => hourly ?? '0'),
      HOURLY_PLACES,
    ),
    monthly: add(
      estimates.map(({monthly}) => monthly),
      MONEY_PLACES,
    ),
  };
}
