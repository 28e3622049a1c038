import {environmentError, type JsonValue, type ResourceRecord, type Scope, type Spec} from '@cloudctl/provider-sdk';

/** Raised with every change of the form; older records are migrated when they are read. */
export const LEDGER_SCHEMA = 2;

/** Deployments that a record remembers, and whose snapshots are kept. */
export const HISTORY_LENGTH = 20;

/** Identity of a price list. */
export interface PricesUsed {
  version: string;
  date: string;
}

export interface PackageIdentity {
  digest: string;
  files: number;
  bytes: number;
}

/** One time that the resource was deployed: all that is needed to do it again. */
export interface Deployment {
  /** From 1, without gaps but for those that were dropped at the old end. */
  number: number;
  action: 'created' | 'updated' | 'adopted' | 'rolled back';
  name: string;
  app?: string;
  spec: Spec;
  package?: PackageIdentity;
  /** ISO 8601, UTC. */
  deployedAt: string;
  /** Version of CloudCTL. */
  client: string;
  prices?: PricesUsed;
  /** The deployment that a rollback brought back. */
  rolledBackTo?: number;
}

/** What CloudCTL knows of one resource that it deployed. */
export interface LedgerRecord {
  schema: typeof LEDGER_SCHEMA;
  provider: string;
  target: string;
  scope: Scope;
  type: string;
  /** NAME. */
  resource: string;
  /** The provider's name. */
  name: string;
  app?: string;
  id: string;
  spec: Spec;
  package?: PackageIdentity;
  url?: string;
  dashboardUrl?: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  deployedAt: string;
  /** Absolute path of the project that it was deployed from. */
  project: string;
  /** Version of CloudCTL that wrote the record. */
  client: string;
  /** Identity of the price list that held when it was deployed. */
  prices?: PricesUsed;
  /** Opaque, the provider's: the same as long as nobody published it again. */
  revision?: string;
  /** Found live and taken over, not deployed from here. */
  adopted?: true;
  /** The newest last; the newest is what the record itself says. */
  deployments: readonly Deployment[];
}

const OPTIONAL_TEXTS = ['app', 'url', 'dashboardUrl', 'revision'] as const;

/**
 * Reads a record's text.
 *
 * @throws CloudError where it is damaged or written by a newer version; the file is never touched then.
 */
export function parseRecord(text: string, file: string): LedgerRecord {
  let content: JsonValue;
  try {
    content = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw damaged(file, 'it is not JSON', error);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw damaged(file, 'it is not an object');
  const record = content as {readonly [key: string]: JsonValue | undefined};
  const schema = record['schema'];
  if (typeof schema === 'number' && schema > LEDGER_SCHEMA) {
    throw environmentError(
      'LEDGER_NEWER',
      `The ledger record ${file} was written by a newer cloudctl (schema ${schema}; this one knows ${LEDGER_SCHEMA}).`,
      {
        hints: ['Update cloudctl: npm install -g cloudctl'],
        ...(typeof record['app'] === 'string' ? {data: {app: record['app']}} : {}),
      },
    );
  }
  if (!Number.isInteger(schema) || Number(schema) < 1) throw damaged(file, 'it has no schema version');
  const texts = [
    'provider',
    'target',
    'type',
    'resource',
    'name',
    'id',
    'createdAt',
    'deployedAt',
    'project',
    'client',
  ];
  const missing = texts.find(field => typeof record[field] !== 'string');
  if (missing !== undefined) throw damaged(file, `"${missing}" is missing`);
  if (!isScope(record['scope'])) throw damaged(file, '"scope" is missing');
  if (!isObject(record['spec'])) throw damaged(file, '"spec" is missing');
  const odd = OPTIONAL_TEXTS.find(field => record[field] !== undefined && typeof record[field] !== 'string');
  if (odd !== undefined) throw damaged(file, `"${odd}" is not text`);
  if (!isPackage(record['package'])) throw damaged(file, '"package" is not one');
  const current = migrate(record as unknown as LedgerRecord, Number(schema));
  if (!isHistory(current.deployments)) throw damaged(file, '"deployments" is missing');
  return current;
}

/** Brings a record of an older schema to this one's form. The file is written anew with the next change only. */
function migrate(record: LedgerRecord, schema: number): LedgerRecord {
  if (schema >= 2) return record;
  // Schema 1 knew no history: what it has is the first deployment.
  const first: LedgerRecord = {...record, schema: LEDGER_SCHEMA, deployments: []};
  return {...first, deployments: [deploymentOf(first, 'created', 1)]};
}

/** What a record says now, as an entry of its history. */
export function deploymentOf(record: LedgerRecord, action: Deployment['action'], number: number): Deployment {
  const {name, app, spec, deployedAt, client, prices} = record;
  return {
    number,
    action,
    name,
    spec,
    deployedAt,
    client,
    ...(app === undefined ? {} : {app}),
    ...(record.package === undefined ? {} : {package: record.package}),
    ...(prices === undefined ? {} : {prices}),
  };
}

/** Adds a deployment to a history, which forgets its oldest when it is full. */
export function withDeployment(history: readonly Deployment[], next: Deployment): Deployment[] {
  return [...history, next].slice(-HISTORY_LENGTH);
}

/** Digests of every package that a record may be asked to deploy again. */
export function referencedDigests(record: LedgerRecord): string[] {
  return [record, ...record.deployments].flatMap(({package: source}) => (source === undefined ? [] : [source.digest]));
}

function isHistory(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (entry: unknown) =>
        isObject(entry) &&
        Number.isInteger(entry['number']) &&
        ['action', 'name', 'deployedAt', 'client'].every(field => typeof entry[field] === 'string') &&
        isObject(entry['spec']) &&
        isPackage(entry['package']),
    )
  );
}

/** A digest becomes the name of a folder: nothing may stand in it that leads elsewhere. */
const DIGEST = /^[a-z0-9]+:[A-Za-z0-9]+$/;

function isPackage(value: unknown): boolean {
  if (value === undefined) return true;
  return (
    isObject(value) &&
    typeof value['digest'] === 'string' &&
    DIGEST.test(value['digest']) &&
    typeof value['files'] === 'number' &&
    typeof value['bytes'] === 'number'
  );
}

function isObject(value: unknown): value is {readonly [key: string]: unknown} {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScope(value: JsonValue | undefined): boolean {
  const scope = value as {readonly [key: string]: JsonValue} | null | undefined;
  return typeof scope?.['workspace'] === 'string' && typeof scope['environment'] === 'string';
}

function damaged(file: string, why: string, cause?: unknown): Error {
  return environmentError('LEDGER_DAMAGED', `The ledger record ${file} is damaged: ${why}.`, {
    hints: [
      'It was left as it is. Restore it from a backup, or move it away; what is deployed stays deployed.',
      'See what is live: cloudctl list ai',
    ],
    cause,
  });
}

/** The record as a provider sees it, with its snapshot's place. */
export function toResourceRecord(record: LedgerRecord, snapshotDirectory: (digest: string) => string): ResourceRecord {
  const {type, resource, name, app, id, target, spec, url, dashboardUrl, createdAt, deployedAt, revision} = record;
  return {
    type,
    resource,
    name,
    id,
    target,
    spec,
    createdAt,
    deployedAt,
    ...(app === undefined ? {} : {app}),
    ...(url === undefined ? {} : {url}),
    ...(dashboardUrl === undefined ? {} : {dashboardUrl}),
    ...(revision === undefined ? {} : {revision}),
    ...(record.adopted === undefined ? {} : {adopted: true}),
    ...(record.package === undefined
      ? {}
      : {package: {...record.package, directory: snapshotDirectory(record.package.digest)}}),
  };
}
