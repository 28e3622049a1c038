import type {Metering, PriceList, Rate, ResourceRecord, Usage} from '@cloudctl/provider-sdk';
import type {AiSpec} from './resources/ai-spec.js';
import type {StorageSpec} from './resources/storage.js';

const SECONDS = 3600;

/** Modal lists prices by the second; the hour is exact in millionths of a millionth of a dollar. */
function perHour(perSecond: string, unit: string): Rate {
  const [, digits = ''] = perSecond.split('.');
  const scaled = String(BigInt(digits) * BigInt(SECONDS)).padStart(digits.length + 1, '0');
  const price = `${scaled.slice(0, -digits.length)}.${scaled.slice(-digits.length)}`.replace(/0+$/, '');
  return {price, unit, per: 'hour'};
}

/** Modal's public list prices, as read on the date. Update both together. */
export const PRICES: PriceList = {
  version: '1',
  date: '2026-09-24',
  currency: 'USD',
  source: "Modal's list prices",
  rates: {
    cpu: perHour('0.0000131', 'core'),
    memory: perHour('0.00000222', 'GiB'),
    'gpu:T4': perHour('0.000164', 'GPU'),
    'gpu:L4': perHour('0.000222', 'GPU'),
    'gpu:A10': perHour('0.000306', 'GPU'),
    'gpu:L40S': perHour('0.000542', 'GPU'),
    'gpu:A100-40GB': perHour('0.000583', 'GPU'),
    'gpu:A100-80GB': perHour('0.000694', 'GPU'),
    'gpu:RTX-PRO-6000': perHour('0.000842', 'GPU'),
    'gpu:H100': perHour('0.001097', 'GPU'),
    'gpu:H200': perHour('0.001261', 'GPU'),
    'gpu:B200': perHour('0.001736', 'GPU'),
    'gpu:B300': {price: '7.10', unit: 'GPU', per: 'hour'},
    volume: {
      price: '0.10',
      unit: 'GB',
      per: 'month',
      note: 'A planning rate. Modal lists $0.09 per GiB and month, with the first 1 TiB free.',
    },
  },
};

/** Other names for the same GPU. */
const GPU_ALIASES: Readonly<Record<string, string>> = {
  A10G: 'A10',
  A100: 'A100-40GB',
  'H100!': 'H100',
  'B200+': 'B200',
};

/** A function with at least one container that is always on. */
export function meterAi({spec}: ResourceRecord): Metering {
  const {cpu, memory, gpu, minContainers} = spec as unknown as AiSpec;
  const containers = Math.max(1, minContainers ?? 0);
  const usage: Usage[] = [
    {rate: 'cpu', label: 'CPU', quantity: String(cpu * containers), unit: 'core', per: 'hour'},
    {rate: 'memory', label: 'Memory', quantity: String((memory / 1024) * containers), unit: 'GiB', per: 'hour'},
  ];
  if (gpu === null) return {facts: [{label: 'Runtime', value: 'vCPU-Hour'}], usage};
  const [type = gpu, count = '1'] = gpu.split(':');
  const kind = GPU_ALIASES[type] ?? type;
  usage.push({
    rate: `gpu:${kind}`,
    label: `GPU ${kind}`,
    quantity: String(Number(count) * containers),
    unit: 'GPU',
    per: 'hour',
  });
  return {facts: [{label: 'Runtime', value: `${kind} GPU-Hour`}], usage};
}

/** A volume as large as was said when it was deployed. */
export function meterStorage({spec}: ResourceRecord): Metering {
  const {size} = spec as unknown as StorageSpec;
  const facts = [{label: 'Size', value: size === null ? 'not given (deploy it again with --size)' : `${size} GB`}];
  return {
    facts,
    usage: size === null ? [] : [{rate: 'volume', label: 'Volume', quantity: String(size), unit: 'GB', per: 'month'}],
  };
}
