import {type CloudError, didYouMean, type ListedResource, usageError} from '@cloudctl/provider-sdk';
import type {LedgerRecord} from '../ledger/record.js';
import {methodOf} from '../providers/loading.js';
import {observe} from './observe.js';
import type {Session} from './session.js';

export interface ListInput {
  type: string;
  /** `key=value`, all of which must hold. */
  filters: readonly string[];
}

export interface ListResult {
  resources: readonly ListedResource[];
  /** Ledger records that could not be read; the list itself is whole. */
  problems: readonly CloudError[];
}

/**
 * What is live and what the ledger knows, side by side.
 *
 * Status: `deployed` (as the ledger has it), `drifted` (changed behind its back), `stopped`, `missing` (in the ledger
 * alone), `unmanaged` (live alone). What the provider itself says of something live is `details.liveStatus`.
 */
export async function listResources(session: Session, input: ListInput): Promise<ListResult> {
  const {definition, implementation, context, target, ledger} = session;
  const filters = input.filters.map(parseFilter);
  const scoped = implementation
    .scope(context)
    .then(scope => ledger.list({provider: definition.name, target: target.name, type: input.type, scope}));
  // Where the list fails, that is what is said.
  scoped.catch(() => undefined);
  const found: ListedResource[] = [];
  for await (const resource of methodOf(definition, implementation, input.type, 'list')({type: input.type}, context))
    found.push(resource);
  const {records, problems} = await scoped;
  const resources = await reconcile(session, input.type, found, records);
  resources.sort((a, b) => (a.app ?? '').localeCompare(b.app ?? '') || a.name.localeCompare(b.name));
  return {resources: resources.filter(resource => filters.every(filter => matches(resource, filter))), problems};
}

async function reconcile(
  session: Session,
  type: string,
  found: readonly ListedResource[],
  records: readonly LedgerRecord[],
): Promise<ListedResource[]> {
  // A stopped app may have left its functions in the list, beside a newer app of the same name.
  const inOrder = [...found].sort((a, b) => Number(a.status === 'stopped') - Number(b.status === 'stopped'));
  const liveOf = new Map(records.map(record => [record, inOrder.find(live => isSame(live, record))]));
  // Most often nothing was published since, which the revisions tell without another question.
  const doubtful = records.filter(record => {
    const live = liveOf.get(record);
    return live !== undefined && live.status !== 'stopped' && live.revision !== record.revision;
  });
  const seen = doubtful.length === 0 ? [] : (await observe(session, {type, records: doubtful})).observations;
  const known = records.map(record => {
    const live = liveOf.get(record);
    const status =
      live === undefined
        ? 'missing'
        : live.status === 'stopped'
          ? 'stopped'
          : (seen[doubtful.indexOf(record)]?.status ?? 'deployed');
    return {...(live ?? lastKnown(record)), ...asStatus(status, live), resource: record.resource};
  });
  const matched = new Set(liveOf.values());
  const others = found
    .filter(live => !matched.has(live))
    .map(live => ({...live, ...asStatus(live.status === 'stopped' ? 'stopped' : 'unmanaged', live)}));
  return [...known, ...others];
}

function isSame(live: ListedResource, {id, name, app, type}: LedgerRecord): boolean {
  return (
    live.type === type &&
    (app === undefined ? live.id === id || live.name === name : live.name === name && live.app === app)
  );
}

function asStatus(status: string, live: ListedResource | undefined): Pick<ListedResource, 'status' | 'details'> {
  return {status, ...(live === undefined ? {} : {details: {...live.details, liveStatus: live.status}})};
}

function lastKnown({id, name, type, app, createdAt, dashboardUrl}: LedgerRecord): ListedResource {
  return {
    id,
    name,
    type,
    status: 'missing',
    createdAt,
    ...(app === undefined ? {} : {app}),
    ...(dashboardUrl === undefined ? {} : {dashboardUrl}),
  };
}

interface Filter {
  key: string;
  value: string;
}

const FILTER_KEYS = ['id', 'name', 'resource', 'status', 'app', 'createdAt', 'url'] as const;

function parseFilter(text: string): Filter {
  const cut = text.indexOf('=');
  if (cut < 1)
    throw usageError('BAD_FILTER', `--filter takes key=value, not "${text}".`, {
      hints: [`Keys: ${FILTER_KEYS.join(', ')}`],
    });
  const key = text.slice(0, cut);
  if (!(FILTER_KEYS as readonly string[]).includes(key)) {
    throw usageError('BAD_FILTER', `Resources have no "${key}" to filter by.`, {
      hints: [...didYouMean(key, FILTER_KEYS), `Keys: ${FILTER_KEYS.join(', ')}`],
    });
  }
  return {key, value: text.slice(cut + 1)};
}

function matches(resource: ListedResource, {key, value}: Filter): boolean {
  return resource[key as (typeof FILTER_KEYS)[number]] === value;
}
