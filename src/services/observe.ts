import type {ObserveOutcome, Resource} from '@cloudctl/provider-sdk';
import {type LedgerRecord, toResourceRecord} from '../ledger/record.js';
import {methodOf} from '../providers/loading.js';
import type {Session} from './session.js';

export interface ObserveInput {
  type: string;
  records: readonly LedgerRecord[];
  apps?: readonly string[];
  names?: readonly string[];
}

/** Compares records with what is live. What is live beside them, in the apps of the input, is `unmanaged`. */
export async function observe(session: Session, input: ObserveInput): Promise<ObserveOutcome> {
  const {definition, implementation, context, snapshots} = session;
  const {type, records} = input;
  const {observations, unmanaged} = await methodOf(
    definition,
    implementation,
    type,
    'observe',
  )(
    {
      type,
      records: records.map(record => toResourceRecord(record, digest => snapshots.directoryOf(digest))),
      apps: input.apps ?? [],
      names: input.names ?? [],
    },
    context,
  );
  return {observations, unmanaged};
}

/** Whether CloudCTL deployed it, from another machine: its record lies beside the deployment. */
export function isRecordedElsewhere(resource: Resource): boolean {
  return resource.details?.['recorded'] === true;
}
