import {describe, expect, test} from '@jest/globals';
import type {Deployment, LedgerRecord} from '../../../src/ledger/record.js';
import {historyText, otherPlaces} from '../../../src/presentation/history.js';
import {historyOf} from '../../../src/services/history.js';
import {makeRecord} from './records.js';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

function deployment(number: number, changes: Partial<Deployment> = {}): Deployment {
  return {
    number,
    action: number === 1 ? 'created' : 'updated',
    name: 'one',
    app: 'app',
    spec: {cpu: 0.25, env: {LEVEL: 'info'}},
    deployedAt: `2026-01-0${number}T00:00:00Z`,
    client: '0.2.0',
    ...changes,
  };
}

const record = (...deployments: Deployment[]): LedgerRecord => makeRecord('one', {deployments});

const changesOf = (...deployments: Deployment[]) => historyOf(record(...deployments)).map(({changes}) => changes);

describe('a history', () => {
  test('is newest first, and the newest is current', () => {
    const history = historyOf(record(deployment(1), deployment(2), deployment(3)));
    expect(history.map(({number, current}) => [number, current])).toEqual([
      [3, true],
      [2, false],
      [1, false],
    ]);
  });

  test('says which fields changed, those of objects by themselves', () => {
    const after = deployment(2, {name: 'two', spec: {cpu: 1, env: {LEVEL: 'debug', MODE: 'x'}}});
    expect(changesOf(deployment(1), after)[0]).toEqual([
      {field: 'name', before: 'one', after: 'two'},
      {field: 'cpu', before: 0.25, after: 1},
      {field: 'env.LEVEL', before: 'info', after: 'debug'},
      {field: 'env.MODE', before: null, after: 'x'},
    ]);
  });

  test('says when the code changed, by its packages', () => {
    const before = {digest: DIGEST, files: 2, bytes: 10};
    const after = {digest: DIGEST.replace('ab', 'cd'), files: 3, bytes: 12};
    expect(changesOf(deployment(1, {package: before}), deployment(2, {package: after}))[0]).toEqual([
      {field: 'code', before, after},
    ]);
  });

  test('takes a field that an older version did not know, and that is not set, for no change', () => {
    const after = deployment(2, {spec: {cpu: 0.25, env: {LEVEL: 'info'}, extras: [], region: null}});
    expect(changesOf(deployment(1), after)).toEqual([[], []]);
  });

  test('does not make up changes against what is not known', () => {
    // The one before the oldest is forgotten.
    expect(changesOf(deployment(4), deployment(5))).toEqual([[], undefined]);
    // What was adopted without its spec.
    const adopted = deployment(1, {action: 'adopted', spec: {}});
    expect(changesOf(adopted, deployment(2))).toEqual([undefined, []]);
  });
});

test('a history as text: a line a deployment, its changes below', () => {
  const made = record(
    deployment(1, {package: {digest: DIGEST, files: 1, bytes: 10}}),
    deployment(2, {spec: {cpu: 1, env: {}}, package: {digest: DIGEST.replace('ab', 'cd'), files: 3, bytes: 12}}),
    deployment(3, {action: 'rolled back', rolledBackTo: 1, package: {digest: DIGEST, files: 1, bytes: 10}}),
  );
  expect(historyText({record: made, deployments: historyOf(made), others: [], problems: []})).toBe(
    `one (ai) on modal, target local, environment local/main
3  2026-01-03T00:00:00Z  rolled back to 1, cloudctl 0.2.0 (current)
     code: cdababababab (3 files) -> abababababab (1 file)
     cpu: 1 -> 0.25
     env.LEVEL: (none) -> info
2  2026-01-02T00:00:00Z  updated, cloudctl 0.2.0
     code: abababababab (1 file) -> cdababababab (3 files)
     cpu: 0.25 -> 1
     env.LEVEL: info -> (none)
1  2026-01-01T00:00:00Z  created, cloudctl 0.2.0`,
  );
});

test('other places of the same NAME are named by the flags that lead there', () => {
  const elsewhere = makeRecord('one', {target: 'cloud', scope: {workspace: 'acme', environment: 'prod'}});
  const text = otherPlaces({record: makeRecord('one'), deployments: [], others: [elsewhere], problems: []});
  expect(text).toContain('--provider modal --target cloud --environment prod');
});
