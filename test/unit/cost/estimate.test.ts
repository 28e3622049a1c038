import {expect, test} from '@jest/globals';
import {meterAi, meterStorage, PRICES} from '../../../plugins/modal/src/prices.js';
import {estimate, total} from '../../../src/cost/estimate.js';

const record = (spec: object) => ({
  type: 'ai',
  resource: 'x',
  name: 'x',
  id: 'x',
  target: 'local',
  createdAt: '',
  deployedAt: '',
  spec: spec as never,
});
const ai = (cpu: number, memory: number, rest: object = {}) =>
  estimate(meterAi(record({cpu, memory, gpu: null, minContainers: null, ...rest})), PRICES);

// Golden values: the table of shared/facts/pricing.md, section 3.3.
test.each([
  [0.125, 128, '0.007', '5.04', '0.006894'],
  [0.25, 128, '0.013', '9.36', '0.012789'],
  [0.25, 192, '0.013', '9.36', '0.0132885'],
  [0.2, 512, '0.013', '9.36', '0.013428'],
  [0.125, 896, '0.013', '9.36', '0.012888'],
  [0.125, 1024, '0.014', '10.08', '0.013887'],
])('%d cores and %d MiB', (cpu, memory, hourly, monthly, hourlyExact) => {
  expect(ai(cpu, memory)).toMatchObject({hourly, monthly, hourlyExact});
});

test('containers that stay warm are counted', () => {
  expect(ai(0.25, 128, {minContainers: 3})).toMatchObject({hourlyExact: '0.038367', hourly: '0.038'});
});

// Per-second list prices times 3600, as in section 3.1.
test.each([
  ['T4', '0.5904'],
  ['L4', '0.7992'],
  ['A10G', '1.1016'],
  ['L40S', '1.9512'],
  ['A100', '2.0988'],
  ['A100-80GB', '2.4984'],
  ['RTX-PRO-6000', '3.0312'],
  ['H100', '3.9492'],
  ['H200', '4.5396'],
  ['B200', '6.2496'],
  ['B300', '7.10'],
])('an hour of %s', (gpu, price) => {
  const {components, facts} = ai(0.25, 128, {gpu: `${gpu}:2`}) as unknown as {
    components: {price: string; cost: string}[];
    facts: {value: string}[];
  };
  expect(components[2]).toMatchObject({price, quantity: '2', cost: String(Number(price) * 2)});
  expect(facts[0]!.value).toMatch(/GPU-Hour$/);
});

test('an unknown price is never zero', () => {
  expect(ai(0.25, 128, {gpu: 'X1'})).toMatchObject({unknown: ['gpu:X1']});
});

test('a volume costs its planned size by the month', () => {
  const volume = estimate(meterStorage(record({size: 100})), PRICES);
  expect(volume).toMatchObject({monthly: '10.00', facts: [{label: 'Size', value: '100 GB'}]});
  expect(volume).not.toHaveProperty('hourly');
  expect(estimate(meterStorage(record({size: null})), PRICES)).toMatchObject({monthly: '0.00'});
});

test('a total is the sum of what is shown', () => {
  const parts = Array.from({length: 1000}, () => ai(0.25, 128)).filter(part => !('unknown' in part));
  expect(total(parts as never)).toEqual({hourly: '13.000', monthly: '9360.00'});
});
