import {resolve as resolvePath} from 'node:path';
import {
  type CloudError,
  type DeployOutcome,
  type DeployRequest,
  type FlagValues,
  type Plan,
  type ResolvedResource,
  type ResourceTypeDefinition,
  type Scope,
  type SourcePackage,
  usageError,
} from '@cloudctl/provider-sdk';
import {withLock} from '../ledger/lock.js';
import {LEDGER_SCHEMA, type LedgerRecord, toResourceRecord} from '../ledger/record.js';
import type {ProjectPackage} from '../packaging/package.js';
import {handlerOf, methodOf} from '../providers/loading.js';
import type {Session} from './session.js';

export interface DeployInput {
  type: string;
  /** NAME. */
  resource: string;
  name?: string | undefined;
  /** `--source`, relative to the working directory. */
  source?: string | undefined;
  options: FlagValues;
  /** Drop what is live in the app but known to nobody. */
  replace: boolean;
  /** Go on although NAME was deployed from another directory. */
  takeOver: boolean;
}

export interface Preview {
  plan: Plan;
  resolved: ResolvedResource;
  package?: ProjectPackage;
}

/** The names that a resource may have: safe as a file name, short enough for every provider. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** What `deploy` would do, as far as the project and the ledger tell. Nothing is changed, nobody is asked. */
export async function previewDeploy(session: Session, input: DeployInput): Promise<Preview> {
  const {definition, implementation, context, target, ledger} = session;
  const resolved = await resolveInput(session, input);
  const content = await readSource(session, input);
  const {records, problems} = await ledger.list({provider: definition.name, target: target.name});
  if (problems[0] !== undefined) throw problems[0];
  const previous = records.find(record => record.type === input.type && record.resource === input.resource);
  const scope = previous?.scope;
  const siblings = records.filter(
    record => isSibling(record, input, resolved) && (scope === undefined || sameScope(record.scope, scope)),
  );
  checkOwner(input, content?.root, previous);
  checkNames(input, resolved, records);
  const source = content === undefined ? undefined : asSource(content);
  const request = makeRequest(session, input, resolved, {source, previous, siblings});
  const planned = await methodOf(definition, implementation, input.type, 'plan')(request, context);
  const effects = [...planned.effects, ...movedAway(resolved, previous)];
  const plan = {...planned, effects};
  return {plan, resolved, ...(content === undefined ? {} : {package: content})};
}

export interface DeployResult extends DeployOutcome {
  record: LedgerRecord;
}

/** Deploys one resource: package, snapshot, lock, publish, ledger. Either all of it happens or the ledger stays. */
export async function deploy(session: Session, input: DeployInput): Promise<DeployResult> {
  const {definition, implementation, context, host, target, ledger} = session;
  const method = methodOf(definition, implementation, input.type, 'deploy');
  const resolved = await resolveInput(session, input);
  const content = await readSource(session, input);
  const source = content === undefined ? undefined : await session.snapshots.keep(content);
  const scope = await implementation.scope(context);
  const title = resolved.app === undefined ? `${input.type} "${input.resource}"` : `app "${resolved.app}"`;
  const lock = [
    definition.name,
    target.name,
    scope.workspace,
    scope.environment,
    resolved.app ?? `${input.type} ${input.resource}`,
  ].join(' ');
  return withLock(session.locks, lock, {title, signal: host.signal, report: host.report}, async ({lost}) => {
    const key = {provider: definition.name, target: target.name, scope, type: input.type, resource: input.resource};
    const previous = await ledger.read(key);
    const {records, problems} = await ledger.list({
      provider: definition.name,
      target: target.name,
      scope,
      type: input.type,
    });
    const [hidden] = problems.filter(problem => concerns(problem, resolved));
    if (hidden !== undefined) throw hidden;
    const siblings = records.filter(record => isSibling(record, input, resolved));
    checkOwner(input, content?.root, previous);
    checkNames(input, resolved, records);
    const request = makeRequest(session, input, resolved, {source, previous, siblings});
    const outcome = await method(request, context);
    const record = await makeRecord(session, scope, request, outcome, content?.root ?? host.workingDirectory);
    lost.throwIfAborted();
    await ledger.write(record);
    warnAboutMove(session, resolved, previous);
    return {...outcome, record};
  });
}

async function resolveInput(session: Session, input: DeployInput): Promise<ResolvedResource> {
  if (!NAME.test(input.resource)) {
    throw usageError('BAD_NAME', `"${input.resource}" cannot be the name of a resource.`, {
      hints: ['Use up to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit.'],
    });
  }
  const handler = handlerOf(session.implementation, input.type)!;
  return handler.resolve({
    resource: input.resource,
    options: input.options,
    sourceDirectory: sourceDirectory(session, input),
    ...(input.name === undefined ? {} : {name: input.name}),
  });
}

function sourceDirectory(session: Session, input: DeployInput): string {
  return resolvePath(session.host.workingDirectory, input.source ?? '.');
}

async function readSource(session: Session, input: DeployInput): Promise<ProjectPackage | undefined> {
  const type = (session.definition.resources as Readonly<Record<string, ResourceTypeDefinition>>)[input.type]!;
  if (!type.source) return undefined;
  session.host.report({kind: 'stage', id: 'package', title: 'Packaging', state: 'running'});
  const {readPackage} = await import('../packaging/package.js');
  const content = readPackage(sourceDirectory(session, input));
  for (const warning of content.warnings) session.host.warn(warning);
  const {describeSize} = await import('../packaging/describe.js');
  session.host.report({
    kind: 'stage',
    id: 'package',
    title: 'Packaging',
    detail: describeSize(content.files.length, content.bytes),
    state: 'done',
  });
  return content;
}

/** For a preview: the project itself stands in for a snapshot that nobody has made. */
function asSource(content: ProjectPackage): SourcePackage {
  return {digest: content.digest, directory: content.root, files: content.files.length, bytes: content.bytes};
}

/** A record that cannot be read may be of any app, unless it says of which. */
function concerns(problem: CloudError, resolved: ResolvedResource): boolean {
  const app = problem.data?.['app'];
  return resolved.app !== undefined && (typeof app !== 'string' || app === resolved.app);
}

function isSibling(record: LedgerRecord, input: DeployInput, resolved: ResolvedResource): boolean {
  return (
    resolved.app !== undefined &&
    record.type === input.type &&
    record.app === resolved.app &&
    record.resource !== input.resource
  );
}

function sameScope(a: Scope, b: Scope): boolean {
  return a.workspace === b.workspace && a.environment === b.environment;
}

interface Neighbourhood {
  source: SourcePackage | undefined;
  previous: LedgerRecord | undefined;
  siblings: readonly LedgerRecord[];
}

function makeRequest(
  session: Session,
  input: DeployInput,
  resolved: ResolvedResource,
  around: Neighbourhood,
): DeployRequest {
  const directoryOf = (digest: string): string => session.snapshots.directoryOf(digest);
  return {
    ...resolved,
    type: input.type,
    resource: input.resource,
    replace: input.replace,
    siblings: around.siblings.map(record => toResourceRecord(record, directoryOf)),
    ...(around.previous === undefined ? {} : {previous: toResourceRecord(around.previous, directoryOf)}),
    ...(around.source === undefined ? {} : {package: around.source}),
  };
}

/** One NAME from two project directories is a mistake more often than not. */
function checkOwner(input: DeployInput, project: string | undefined, previous: LedgerRecord | undefined): void {
  if (previous === undefined || project === undefined || input.takeOver || previous.project === project) return;
  throw usageError('NAME_TAKEN', `"${input.resource}" was deployed from ${previous.project}, not from ${project}.`, {
    hints: ['Choose another name, or add --take-over to replace it with the code from here.'],
  });
}

function checkNames(input: DeployInput, resolved: ResolvedResource, records: readonly LedgerRecord[]): void {
  const other = records.find(
    record =>
      record.type === input.type &&
      record.resource !== input.resource &&
      record.name === resolved.name &&
      record.app === resolved.app,
  );
  if (other === undefined) return;
  const place = resolved.app === undefined ? '' : ` in the app "${resolved.app}"`;
  throw usageError('NAME_TAKEN', `"${resolved.name}"${place} belongs to the resource "${other.resource}".`, {
    hints: [
      `Choose another: --name ${input.resource}`,
      `Or deploy that one again: cloudctl deploy ${input.type} ${other.resource} ...`,
    ],
  });
}

/** Under another app or name it is another function: the one that was deployed before stays. */
function movedAway(resolved: ResolvedResource, previous: LedgerRecord | undefined): string[] {
  if (previous?.app === undefined || (previous.app === resolved.app && previous.name === resolved.name)) return [];
  return [`"${previous.name}" in the app "${previous.app}" stays live and is no longer followed here`];
}

function warnAboutMove(session: Session, resolved: ResolvedResource, previous: LedgerRecord | undefined): void {
  for (const moved of movedAway(resolved, previous)) session.host.warn(`${moved}.`);
}

async function makeRecord(
  session: Session,
  scope: Scope,
  request: DeployRequest,
  outcome: DeployOutcome,
  project: string,
): Promise<LedgerRecord> {
  const {resource} = outcome;
  const {version, date} = await session.implementation.prices();
  return {
    schema: LEDGER_SCHEMA,
    provider: session.definition.name,
    target: session.target.name,
    scope,
    type: request.type,
    resource: request.resource,
    name: request.name,
    ...(request.app === undefined ? {} : {app: request.app}),
    id: resource.id,
    spec: outcome.spec ?? request.spec,
    ...(request.package === undefined
      ? {}
      : {package: {digest: request.package.digest, files: request.package.files, bytes: request.package.bytes}}),
    ...(resource.url === undefined ? {} : {url: resource.url}),
    ...(resource.dashboardUrl === undefined ? {} : {dashboardUrl: resource.dashboardUrl}),
    createdAt: resource.createdAt,
    deployedAt: deployedAt(request, outcome),
    project,
    client: session.host.version,
    prices: {version, date},
  };
}

/** The deployment's own time where it has one: what travels with it is compared with that. */
function deployedAt({previous}: DeployRequest, {action, resource, deployedAt: own}: DeployOutcome): string {
  if (own !== undefined) return own;
  return action === 'unchanged' ? (previous?.deployedAt ?? resource.createdAt) : new Date().toISOString();
}
