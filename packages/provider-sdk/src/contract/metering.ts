import type {Fact} from './resources.js';

/** What a resource consumes while it exists, in the provider's billing dimensions. */
export interface Usage {
  /** Key of the price list. */
  rate: string;
  label: string;
  /** Decimal, in `unit`. */
  quantity: string;
  unit: string;
  per: 'hour' | 'month';
}

export interface Metering {
  /** What is shown about the resource: `Runtime: vCPU-Hour`, `Size: 100 GB`. */
  facts: readonly Fact[];
  usage: readonly Usage[];
}

export interface Rate {
  /** Decimal, in the list's currency for one `unit` and `per`. */
  price: string;
  unit: string;
  per: 'hour' | 'month';
  note?: string;
}

export interface PriceList {
  version: string;
  /** `YYYY-MM-DD`: the day on which the prices were read. */
  date: string;
  currency: string;
  source: string;
  rates: {readonly [key: string]: Rate};
}
