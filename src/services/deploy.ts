import type {DeployOutcome, DeployRequest, GroupOutcome, Scope, SourcePackage} from '@cloudctl/provider-sdk';
import {
  type Deployment,
  deploymentOf,
  LEDGER_SCHEMA,
  type LedgerRecord,
  toResourceRecord,
  withDeployment,
} from '../ledger/record.js';
import {methodOf} from '../providers/loading.js';
import {withPlace} from './app-lock.js';
import {type Desired, toDesiredResource} from './desired.js';
import {type Group, titleOf} from './groups.js';
import {observe} from './observe.js';
import {lookAround, movedAway, type PlannedGroup, planWith, type Surroundings} from './planning.js';
import type {Session} from './session.js';
import {collectSnapshots} from './snapshots.js';

export interface DeployOptions {
  /** Drop what is live in the app but known to nobody. */
  replace: boolean;
  /** Go on although NAME was deployed from another directory. */
  takeOver: boolean;
  /** Looks at the plan once the lock is held; throws to stop. */
  inspect?(planned: PlannedGroup): Promise<void>;
}

export interface DeployResult extends DeployOutcome {
  record: LedgerRecord;
}

/**
 * Deploys what is published together: lock, plan, snapshot, publish, ledger. Either all of it happens or the ledger
 * stays. What is live as it should be is not deployed again.
 */
export async function deployGroup(group: Group, options: DeployOptions): Promise<readonly DeployResult[]> {
  const {session, type, members} = group;
  const {implementation, context, host} = session;
  const scope = await implementation.scope(context);
  return withPlace(session, scope, {type, resource: members[0]!.resource, app: group.app}, async ({lost}) => {
    const around = await lookAround(group, scope);
    const planned = await planWith(group, around, {...options, refresh: false});
    await options.inspect?.(planned);
    const outdated = await findOutdated(planned, around);
    const kept = members.filter(desired => !outdated.has(desired));
    const unchanged = kept.map(desired => asItIs(type, around.previous.get(desired)!));
    if (outdated.size === 0) return unchanged;
    const wanted = members.filter(desired => outdated.has(desired));
    const {request, outcome} = await publish(group, wanted, around, options);
    lost.throwIfAborted();
    const {version, date} = await implementation.prices();
    const made = wanted.map((desired, i) => ({
      ...outcome.resources[i]!,
      record: recordOf(session, scope, desired, request, outcome.resources[i]!, around.previous.get(desired), {
        version,
        date,
      }),
    }));
    for (const {record} of made) await session.ledger.write(record);
    await followRevisions(
      session,
      [...around.siblings, ...kept.map(desired => around.previous.get(desired)!)],
      outcome,
    );
    for (const desired of wanted)
      for (const moved of movedAway(desired, around.previous.get(desired))) host.warn(`${moved}.`);
    await collectSnapshots(host.dataDir);
    return members.map(desired => made[wanted.indexOf(desired)] ?? unchanged[kept.indexOf(desired)]!);
  });
}

/** What has to be published: what the plan changes, and what is no longer live as the ledger says. */
async function findOutdated(planned: PlannedGroup, around: Surroundings): Promise<ReadonlySet<Desired>> {
  const {session, resources, type} = planned;
  const changed = resources.filter(({plan}) => plan.action !== 'none').map(({desired}) => desired);
  if (changed.length > 0) return new Set(changed);
  const stage = {kind: 'stage', id: `observe ${titleOf(planned)}`, title: 'Comparing with what is live'} as const;
  session.host.report({...stage, state: 'running'});
  const records = [...new Set([...around.previous.values(), ...around.siblings])];
  const {observations} = await observe(session, {type, records});
  const moved = resources.filter(({previous}) => observations[records.indexOf(previous!)]?.status !== 'deployed');
  session.host.report({...stage, state: 'done', detail: moved.length === 0 ? 'as deployed' : 'moved since'});
  return new Set(moved.map(({desired}) => desired));
}

async function publish(
  {session, type, app}: Group,
  wanted: readonly Desired[],
  around: Surroundings,
  {replace}: DeployOptions,
): Promise<{request: DeployRequest; outcome: GroupOutcome}> {
  const {definition, implementation, context, snapshots} = session;
  const kept = new Map<string, SourcePackage>();
  for (const {content} of wanted) {
    if (content !== undefined && !kept.has(content.digest)) kept.set(content.digest, await snapshots.keep(content));
  }
  const names = new Set(wanted.map(({resource}) => resource));
  // Members that stay as they are go along as neighbours do.
  const neighbours = [...around.previous.values(), ...around.siblings].filter(
    record => record.app === app && app !== undefined && !names.has(record.resource),
  );
  const request = {
    type,
    ...(app === undefined ? {} : {app}),
    resources: wanted.map(desired => {
      const source = desired.content === undefined ? desired.snapshot : kept.get(desired.content.digest);
      return toDesiredResource(session, desired, around.previous.get(desired), source);
    }),
    siblings: neighbours.map(record => toResourceRecord(record, digest => snapshots.directoryOf(digest))),
    replace,
  };
  return {request, outcome: await methodOf(definition, implementation, type, 'deploy')(request, context)};
}

/** The neighbours were published again as they were: what the provider calls their state has another name now. */
async function followRevisions(
  {ledger}: Session,
  records: readonly LedgerRecord[],
  {siblings}: GroupOutcome,
): Promise<void> {
  for (const {resource, revision} of siblings) {
    const record = records.find(candidate => candidate.resource === resource);
    if (record !== undefined && record.revision !== revision) await ledger.write({...record, revision});
  }
}

function asItIs(type: string, record: LedgerRecord): DeployResult {
  const {id, name, app, url, dashboardUrl, createdAt} = record;
  return {
    action: 'unchanged',
    resource: {
      id,
      name,
      type,
      status: 'deployed',
      createdAt,
      ...(app === undefined ? {} : {app}),
      ...(url === undefined ? {} : {url}),
      ...(dashboardUrl === undefined ? {} : {dashboardUrl}),
    },
    record,
  };
}

function recordOf(
  session: Session,
  scope: Scope,
  desired: Desired,
  request: DeployRequest,
  outcome: DeployOutcome,
  previous: LedgerRecord | undefined,
  prices: {version: string; date: string},
): LedgerRecord {
  const {resource} = outcome;
  const source = request.resources.find(candidate => candidate.resource === desired.resource)?.package;
  const record: LedgerRecord = {
    schema: LEDGER_SCHEMA,
    provider: session.definition.name,
    target: session.target.name,
    scope,
    type: desired.type,
    resource: desired.resource,
    name: desired.name,
    ...(desired.app === undefined ? {} : {app: desired.app}),
    id: resource.id,
    spec: outcome.spec ?? desired.spec,
    ...(source === undefined ? {} : {package: {digest: source.digest, files: source.files, bytes: source.bytes}}),
    ...(resource.url === undefined ? {} : {url: resource.url}),
    ...(resource.dashboardUrl === undefined ? {} : {dashboardUrl: resource.dashboardUrl}),
    createdAt: resource.createdAt,
    deployedAt: deployedAt(previous, outcome),
    project: desired.project,
    client: session.host.version,
    prices,
    ...(resource.revision === undefined ? {} : {revision: resource.revision}),
    deployments: previous?.deployments ?? [],
  };
  if (outcome.action === 'unchanged' && previous !== undefined) return record;
  return {...record, deployments: withDeployment(record.deployments, entryOf(record, desired))};
}

function entryOf(record: LedgerRecord, {rolledBackTo}: Desired): Deployment {
  const last = record.deployments.at(-1);
  const action = rolledBackTo !== undefined ? 'rolled back' : last === undefined ? 'created' : 'updated';
  return {
    ...deploymentOf(record, action, (last?.number ?? 0) + 1),
    ...(rolledBackTo === undefined ? {} : {rolledBackTo}),
  };
}

/** The deployment's own time where it has one: what travels with it is compared with that. */
function deployedAt(previous: LedgerRecord | undefined, {action, resource, deployedAt: own}: DeployOutcome): string {
  if (own !== undefined) return own;
  return action === 'unchanged' ? (previous?.deployedAt ?? resource.createdAt) : new Date().toISOString();
}
