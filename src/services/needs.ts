import type {Change, Plan} from '@cloudctl/provider-sdk';
import type {LedgerRecord} from '../ledger/record.js';
import type {Desired} from './desired.js';
import {observe} from './observe.js';
import type {Session} from './session.js';

/** Records of what the members of a group use: the volumes that functions mount. */
export async function neededRecords(
  {definition, target, ledger}: Session,
  members: readonly Desired[],
  scope: LedgerRecord['scope'] | undefined,
): Promise<readonly LedgerRecord[]> {
  const needs = members.flatMap(desired => desired.needs ?? []);
  const types = [...new Set(needs.map(({type}) => type))];
  const found = await Promise.all(
    types.map(type => ledger.list({provider: definition.name, target: target.name, scope, type})),
  );
  return found
    .flatMap(({records}) => records)
    .filter(record => needs.some(({type, name}) => type === record.type && name === record.name));
}

/** Those among them that are not live as the ledger says, with how they are. */
export async function missingNeeds(
  session: Session,
  needed: readonly LedgerRecord[],
): Promise<ReadonlyMap<LedgerRecord, string>> {
  const states = new Map<LedgerRecord, string>();
  for (const type of new Set(needed.map(record => record.type))) {
    const records = needed.filter(record => record.type === type);
    const {observations} = await observe(session, {type, records});
    observations.forEach(({status}, i) => {
      if (status !== 'deployed') states.set(records[i]!, status);
    });
  }
  return states;
}

/**
 * What is deployed holds on to the very volume that was there at the time: where that is another one by now, or is
 * gone, deploying it again is a change although its spec is the same.
 */
export function withNeeds(
  plan: Plan,
  {needs = []}: Desired,
  previous: LedgerRecord | undefined,
  needed: readonly LedgerRecord[],
  missing: ReadonlyMap<LedgerRecord, string>,
): Plan {
  if (previous === undefined) return plan;
  const changes = needed
    .filter(record => needs.some(({type, name}) => type === record.type && name === record.name))
    .flatMap((record): Change[] => {
      const status = missing.get(record);
      const field = `${record.type} ${record.name}`;
      if (status !== undefined) return [{field, before: status, after: 'deployed'}];
      if (record.createdAt <= previous.deployedAt) return [];
      return [{field, before: 'an earlier one', after: `created ${record.createdAt}`}];
    });
  if (changes.length === 0) return plan;
  return {...plan, action: plan.action === 'none' ? 'update' : plan.action, changes: [...plan.changes, ...changes]};
}
