import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {
  environmentError,
  type JsonValue,
  type Need,
  notFoundError,
  type PlanAction,
  type Spec,
  usageError,
} from '@cloudctl/provider-sdk';
import type {LedgerRecord} from '../ledger/record.js';
import type {PlannedGroup, PlannedResource} from './planning.js';
import type {Session} from './session.js';

const SCHEMA = 1;

/** A plan that was kept: what to deploy, and what must not have moved since. */
export interface PlanFile {
  cloudctl: 'plan';
  schema: typeof SCHEMA;
  /** ISO 8601, UTC. */
  createdAt: string;
  client: string;
  replace: boolean;
  takeOver: boolean;
  resources: readonly PlanItem[];
}

export interface PlanItem {
  provider: string;
  target: string;
  profile?: string;
  /** The provider's environment, where one was chosen. */
  environment?: string;
  type: string;
  resource: string;
  name: string;
  app?: string;
  spec: Spec;
  needs?: readonly Need[];
  dependsOn: readonly string[];
  project: string;
  action: PlanAction;
  /** Of the package; absent for a type without code. */
  digest?: string;
  /** Fingerprint of the ledger's record; null where there was none. */
  ledger: string | null;
  /** What was live, where the plan looked: the status and the provider's revision. */
  live?: {status: string; revision?: string};
}

/** A plan as a file. It has no credentials; the values of `env` are in it. */
export function toPlanFile(
  groups: readonly PlannedGroup[],
  options: {replace: boolean; takeOver: boolean; client: string},
): PlanFile {
  return {
    cloudctl: 'plan',
    schema: SCHEMA,
    createdAt: new Date().toISOString(),
    ...options,
    resources: groups.flatMap(({session, resources}) => resources.map(resource => toItem(session, resource))),
  };
}

function toItem(session: Session, planned: PlannedResource): PlanItem {
  const {desired, plan, previous, observation} = planned;
  const {type, resource, name, app, spec, needs, dependsOn, project, content} = desired;
  return {
    provider: session.definition.name,
    target: session.target.name,
    ...session.choice,
    type,
    resource,
    name,
    ...(app === undefined ? {} : {app}),
    spec,
    ...(needs === undefined ? {} : {needs}),
    dependsOn,
    project,
    action: plan.action,
    ...(content === undefined ? {} : {digest: content.digest}),
    ledger: fingerprintOf(previous),
    ...(observation === undefined
      ? {}
      : {
          live: {
            status: observation.status,
            ...(observation.revision === undefined ? {} : {revision: observation.revision}),
          },
        }),
  };
}

export async function writePlanFile(path: string, plan: PlanFile): Promise<void> {
  const {default: writeFileAtomic} = await import('write-file-atomic');
  try {
    await writeFileAtomic(path, `${JSON.stringify(plan, null, 2)}\n`, {mode: 0o600});
  } catch (error) {
    throw environmentError('PLAN_NOT_WRITTEN', `The plan cannot be written to ${path}: ${(error as Error).message}`, {
      hints: ['Name a file in a directory that exists: --out FILE'],
    });
  }
}

/** @throws CloudError with exit code 3 where there is no file, 2 where it is no plan. */
export async function readPlanFile(path: string): Promise<PlanFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'EISDIR') throw usageError('BAD_PLAN', `${path} is a folder, and no plan of cloudctl.`);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw notFoundError('PLAN_NOT_FOUND', `There is no plan ${path}.`, {
      hints: [`Make one: cloudctl plan --out ${path}`],
    });
  }
  let content: Partial<PlanFile> | null = null;
  try {
    content = JSON.parse(text) as Partial<PlanFile> | null;
  } catch {
    // Told below: what is not JSON is no plan either.
  }
  if (typeof content !== 'object' || content?.cloudctl !== 'plan' || !Array.isArray(content.resources)) {
    throw usageError('BAD_PLAN', `${path} is not a plan of cloudctl.`, {
      hints: [`Make one: cloudctl plan --out ${path}`],
    });
  }
  if (content.schema !== SCHEMA) {
    throw usageError('BAD_PLAN', `${path} was made by another version of cloudctl (${content.client ?? 'unknown'}).`, {
      hints: [`Make it again: cloudctl plan --out ${path}`],
    });
  }
  const broken = content.resources.findIndex(item => !isItem(item));
  if (broken >= 0) {
    throw usageError('BAD_PLAN', `${path} is damaged: entry ${broken + 1} is not whole.`, {
      hints: [`Make it again: cloudctl plan --out ${path}`],
    });
  }
  return content as PlanFile;
}

function isItem(value: unknown): value is PlanItem {
  const item = value as {readonly [key: string]: JsonValue | undefined} | null;
  const texts = ['provider', 'target', 'type', 'resource', 'name', 'project', 'action'];
  return (
    typeof item === 'object' &&
    item !== null &&
    texts.every(field => typeof item[field] === 'string') &&
    typeof item['spec'] === 'object' &&
    Array.isArray(item['dependsOn'])
  );
}

/** Changes with every change of the record. */
export function fingerprintOf(record: LedgerRecord | undefined): string | null {
  return record === undefined ? null : createHash('sha256').update(JSON.stringify(record)).digest('hex');
}
