import {didYouMean, notFoundError} from '@cloudctl/provider-sdk';
import type {LedgerRecord} from '../ledger/record.js';
import type {Session} from './session.js';

export interface Found {
  record?: LedgerRecord;
  /** Names in the ledger, for suggestions. */
  names: readonly string[];
}

/** Looks a resource up in the ledger, by NAME; the newest where several workspaces have one. */
export async function findRecord(session: Session, type: string, resource: string): Promise<Found> {
  const {records, problems} = await session.ledger.list({
    provider: session.definition.name,
    target: session.target.name,
    type,
  });
  const [record] = records
    .filter(candidate => candidate.resource === resource)
    .sort((a, b) => b.deployedAt.localeCompare(a.deployedAt));
  if (record === undefined && problems[0] !== undefined) throw problems[0];
  return {names: records.map(candidate => candidate.resource), ...(record === undefined ? {} : {record})};
}

/** The error for a NAME that neither the ledger nor the provider knows. */
export function resourceNotFound(session: Session, type: string, resource: string, names: readonly string[]): Error {
  const {definition, target} = session;
  const flags = `--provider ${definition.name}${target === definition.targets[0] ? '' : ` --target ${target.name}`}`;
  return notFoundError(
    'RESOURCE_NOT_FOUND',
    `There is no ${type} "${resource}" on ${definition.name} (target ${target.name}).`,
    {
      provider: definition.name,
      hints: [...didYouMean(resource, names), `See what there is: cloudctl list ${type} ${flags}`],
    },
  );
}
