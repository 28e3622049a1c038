import type {FactLine, JsonValue, Resource} from '@cloudctl/provider-sdk';
import {describeSize} from '../packaging/describe.js';
import type {AdoptResult} from '../services/adopt.js';

/** What is followed from now on, and how much of it is known. */
export function adoptedFacts({record, outcome: {resource}}: AdoptResult): FactLine[] {
  const {package: source} = record;
  return [
    ['Adopted', `${record.resource} (${record.type})`],
    ['ID', resource.id],
    ['Name', resource.name],
    ['App', resource.app],
    ['URL', resource.url],
    ['Dashboard', resource.dashboardUrl],
    ['Created At', resource.createdAt],
    ['Code', source === undefined ? undefined : `${source.digest} (${describeSize(source.files, source.bytes)})`],
    ['Known', Object.keys(record.spec).length === 0 ? 'that it is there; how it was deployed is not' : undefined],
  ];
}

export interface AdoptedJson extends Resource {
  resource: string;
  spec: JsonValue;
  digest?: string;
}

export function adoptedToJson({record, outcome}: AdoptResult): AdoptedJson {
  const {details, ...known} = outcome.resource;
  return {
    ...known,
    resource: record.resource,
    spec: record.spec,
    ...(record.package === undefined ? {} : {digest: record.package.digest}),
    ...details,
  };
}
