import {environmentError, type JsonValue, type ResourceRecord, type Scope, type Spec} from '@cloudctl/provider-sdk';

/** Raised with every change of the form; older records are migrated when they are read. */
export const LEDGER_SCHEMA = 1;

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
  package?: {digest: string; files: number; bytes: number};
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
  prices?: {version: string; date: string};
}

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
  if (schema !== LEDGER_SCHEMA) throw damaged(file, 'it has no schema version');
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
  if (typeof record['spec'] !== 'object' || record['spec'] === null) throw damaged(file, '"spec" is missing');
  return content as unknown as LedgerRecord;
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
  const {type, resource, name, app, id, target, spec, url, dashboardUrl, createdAt, deployedAt} = record;
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
    ...(record.package === undefined
      ? {}
      : {package: {...record.package, directory: snapshotDirectory(record.package.digest)}}),
  };
}
