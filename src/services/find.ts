import {join} from 'node:path';
import {didYouMean, notFoundError, type ProviderDefinition} from '@cloudctl/provider-sdk';
import type {LedgerRecord} from '../ledger/record.js';
import {Ledger} from '../ledger/store.js';
import {chooseTarget, type Host, type Session} from './session.js';

/**
 * The provider's environment that a resource was deployed to, so that a verb about it goes there; nothing where the
 * user has chosen one, or the ledger does not know.
 */
export async function recordedEnvironment(
  {dataDir, environment}: Pick<Host, 'dataDir' | 'environment'>,
  definition: ProviderDefinition,
  where: {target: string | undefined; type: string; resource: string},
): Promise<string | undefined> {
  const variable = definition.environmentVariable;
  if (variable === undefined || environment[variable]) return undefined;
  const target = chooseTarget(definition, where.target, environment).name;
  const {records} = await new Ledger(join(dataDir, 'ledger')).list({provider: definition.name, ...where, target});
  return [...records].sort((a, b) => b.deployedAt.localeCompare(a.deployedAt))[0]?.scope.environment;
}

export interface Found {
  record?: LedgerRecord;
  /** Names in the ledger, for suggestions. */
  names: readonly string[];
}

/** Looks a resource up in the ledger, by NAME; the newest where several accounts have one. */
export async function findRecord(session: Session, type: string, resource: string): Promise<Found> {
  const {definition, target, ledger, context} = session;
  const variable = definition.environmentVariable;
  const environment = variable === undefined ? undefined : context.environment[variable] || undefined;
  const {records, problems} = await ledger.list({provider: definition.name, target: target.name, environment, type});
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
