import type {ListedResource} from '@cloudctl/provider-sdk';
import {drawCost, drawList} from '@cloudctl/provider-sdk/ink';
import {describe, expect, test} from '@jest/globals';
import {plainList} from '../../../src/presentation/plain.js';

const resource = (name: string): ListedResource => ({
  id: 'fu-0123456789abcdefghijkl',
  name,
  type: 'ai',
  status: 'deployed',
  app: 'ai-app',
  createdAt: '2026-11-23T21:08:50.853Z',
});

const view = {
  title: 'ai on modal, target local',
  resources: [resource('generate-image'), resource('a-function-with-a-really-long-name-that-needs-room')],
  empty: 'Nothing.',
};
const widest = (text: string): number => Math.max(...text.split('\n').map(line => line.length));

describe('a list on a terminal', () => {
  test.each([200, 80, 72])('of %d columns is a table that fits, ids whole', async columns => {
    const text = await drawList(view, {columns, color: false});
    expect(widest(text)).toBeLessThanOrEqual(columns);
    expect(text.split('\n')).toHaveLength(4);
    expect(text).toContain('fu-0123456789abcdefghijkl');
    expect(text).toMatch(/ID +Name +Status +App +Created At/);
  });

  test('that is too narrow is a block for each resource', async () => {
    const text = await drawList(view, {columns: 40, color: false});
    expect(widest(text)).toBeLessThanOrEqual(40);
    expect(text).toMatch(/^ID +fu-0123456789abcdefghijkl$/m);
    expect(text).toMatch(/^Created At +2026-11-23 21:08Z$/m);
  });

  test('without colour has no control codes', async () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(await drawList(view, {columns: 80, color: false})).not.toMatch(/\u001B/);
  });
});

test('plain text: the same columns in the same order, times whole', () => {
  const [head, first] = plainList(view).split('\n');
  expect(head).toMatch(/^ID +Name +Status +App +Created At$/);
  expect(first).toMatch(/2026-11-23T21:08:50\.853Z$/);
  expect(plainList({...view, resources: []})).toBe('Nothing.');
});

test('costs on a terminal: blocks, total, where prices come from, and what has no price', async () => {
  const text = await drawCost(
    {
      provider: 'modal',
      blocks: [
        {resource: 'one', type: 'ai', lines: [{label: 'Estimated Monthly Cost', value: '$9.36 USD'}]},
        {resource: 'two', type: 'ai', lines: [], problem: 'no price for gpu:X9'},
      ],
      total: [{label: 'Total Monthly', value: '$9.36 USD'}],
      source: 'Prices: a list',
    },
    {columns: 60, color: false},
  );
  for (const part of [
    'one (ai)',
    'Estimated Monthly Cost',
    '$9.36 USD',
    'Price unknown: no price for gpu:X9',
    'Total Monthly',
    'Prices: a list',
  ])
    expect(text).toContain(part);
});
