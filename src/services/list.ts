import {type CloudError, didYouMean, type ListedResource, usageError} from '@cloudctl/provider-sdk';
import {methodOf} from '../providers/loading.js';
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

/** What is live, with NAME where the ledger knows it. */
export async function listResources(session: Session, input: ListInput): Promise<ListResult> {
  const {definition, implementation, context, target, ledger} = session;
  const filters = input.filters.map(parseFilter);
  const known = ledger.list({provider: definition.name, target: target.name, type: input.type});
  const found: ListedResource[] = [];
  for await (const resource of methodOf(definition, implementation, input.type, 'list')({type: input.type}, context))
    found.push(resource);
  const {records, problems} = await known;
  const resources = found.map(resource => {
    const record = records.find(
      ({name, app, id}) => id === resource.id || (name === resource.name && app !== undefined && app === resource.app),
    );
    return record === undefined ? resource : {...resource, resource: record.resource};
  });
  resources.sort((a, b) => (a.app ?? '').localeCompare(b.app ?? '') || a.name.localeCompare(b.name));
  return {resources: resources.filter(resource => filters.every(filter => matches(resource, filter))), problems};
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
