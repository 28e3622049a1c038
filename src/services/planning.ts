import {
  type Change,
  type CloudError,
  type Observation,
  type Plan,
  type Resource,
  type Scope,
  usageError,
} from '@cloudctl/provider-sdk';
import {type LedgerRecord, toResourceRecord} from '../ledger/record.js';
import type {PackageDelta} from '../packaging/manifest.js';
import {methodOf} from '../providers/loading.js';
import {type Desired, toDesiredResource} from './desired.js';
import type {Group} from './groups.js';
import {missingNeeds, neededRecords, withNeeds} from './needs.js';
import {isRecordedElsewhere, observe} from './observe.js';
import {type CostChange, costChange} from './plan-cost.js';
import type {Session} from './session.js';

export interface PlanOptions {
  /** Drop what is live in the app but known to nobody. */
  replace: boolean;
  /** Go on although NAME was deployed from another directory. */
  takeOver: boolean;
  /** Compare with what is live, and not with the ledger alone. */
  refresh: boolean;
}

export interface PlannedResource {
  desired: Desired;
  plan: Plan;
  previous?: LedgerRecord;
  /** Files added, changed and removed since the last deployment, where its package is still here. */
  delta?: PackageDelta;
  /** What is live; with `refresh`, and for what the ledger knows. */
  observation?: Observation;
  cost?: CostChange;
}

export interface PlannedGroup extends Group {
  resources: readonly PlannedResource[];
  siblings: readonly LedgerRecord[];
  /** What happens to anything else, a sentence each. */
  effects: readonly string[];
  /** What was live and in no record; absent where nobody looked. */
  unmanaged?: readonly Resource[];
}

/** What the ledger knows of a group. */
export interface Surroundings {
  records: readonly LedgerRecord[];
  previous: ReadonlyMap<Desired, LedgerRecord>;
  siblings: readonly LedgerRecord[];
  /** What the group's resources use. */
  needed: readonly LedgerRecord[];
}

/** What deploying the group would do. Nothing is changed; nobody is asked unless `refresh` is wanted. */
export async function planGroup(group: Group, options: PlanOptions): Promise<PlannedGroup> {
  const scope = await knownScope(group.session);
  return planWith(group, await lookAround(group, scope), options);
}

/** Plans against what the ledger was found to know. */
export async function planWith(group: Group, around: Surroundings, options: PlanOptions): Promise<PlannedGroup> {
  const {session, type, app, members} = group;
  const {definition, implementation, context, snapshots} = session;
  for (const desired of members) check(desired, around, options);
  const request = {
    type,
    ...(app === undefined ? {} : {app}),
    resources: members.map(desired => toDesiredResource(session, desired, around.previous.get(desired))),
    siblings: around.siblings.map(record => toResourceRecord(record, digest => snapshots.directoryOf(digest))),
    replace: options.replace,
  };
  const planned = await methodOf(definition, implementation, type, 'plan')(request, context);
  const live = options.refresh ? await look(group, around) : undefined;
  const missing = options.refresh ? await missingNeeds(session, around.needed) : new Map<LedgerRecord, string>();
  const resources: PlannedResource[] = [];
  for (const [i, desired] of members.entries()) {
    const previous = around.previous.get(desired);
    const observation = previous === undefined ? undefined : live?.of(previous);
    const delta = await deltaOf(session, desired, previous);
    const cost = await costChange(session, desired, previous);
    resources.push({
      desired,
      plan: withNeeds(
        withObservation(planned.resources[i]!, observation),
        ...([desired, previous, around.needed, missing] as const),
      ),
      ...(previous === undefined ? {} : {previous}),
      ...(delta === undefined ? {} : {delta}),
      ...(observation === undefined ? {} : {observation}),
      ...(cost === undefined ? {} : {cost}),
    });
  }
  const moved = members.flatMap(desired => movedAway(desired, around.previous.get(desired)));
  const others = live === undefined ? [] : effectsOnOthers(live.unmanaged, members, options);
  const gone = live === undefined ? [] : around.siblings.flatMap(sibling => effectOnSibling(sibling, live.of(sibling)));
  const isNothing = resources.every(({plan}) => plan.action === 'none');
  if (session.connected && !isNothing) implementation.prepare?.('deploy', context);
  return {
    ...group,
    resources,
    siblings: around.siblings,
    effects: isNothing ? [] : [...planned.effects, ...gone, ...others, ...moved],
    ...(live === undefined ? {} : {unmanaged: live.unmanaged}),
  };
}

/** Everything that the ledger says about the group's resources and the others of their app. */
export async function lookAround(group: Group, scope: Scope | undefined): Promise<Surroundings> {
  const {session, type, app, members} = group;
  const {definition, target, ledger} = session;
  const found = await ledger.list({provider: definition.name, target: target.name, type, scope});
  const [hidden] = found.problems.filter(problem => concerns(problem, app));
  if (hidden !== undefined) throw hidden;
  const of = (desired: Desired): LedgerRecord | undefined =>
    found.records.filter(({resource}) => resource === desired.resource).sort(newestFirst)[0];
  const previous = new Map(members.flatMap(desired => pair(desired, of(desired))));
  const place = scope ?? [...previous.values()].sort(newestFirst)[0]?.scope;
  const names = new Set(members.map(({resource}) => resource));
  const records = found.records.filter(record => place === undefined || sameScope(record.scope, place));
  const siblings = records.filter(record => app !== undefined && record.app === app && !names.has(record.resource));
  return {records, previous, siblings, needed: await neededRecords(session, members, place)};
}

/** The account, where it is known without asking for it or may be asked for. */
async function knownScope(session: Session): Promise<Scope | undefined> {
  const {connected, target, implementation, context} = session;
  return connected || !target.credentials ? implementation.scope(context) : undefined;
}

interface Live {
  of(record: LedgerRecord): Observation | undefined;
  unmanaged: readonly Resource[];
}

async function look({session, type, app, members}: Group, {previous, siblings}: Surroundings): Promise<Live> {
  const records = [...new Set([...previous.values(), ...siblings])];
  const names = app === undefined ? members.map(({name}) => name) : [];
  const {observations, unmanaged} = await observe(session, {
    type,
    records,
    apps: app === undefined ? [] : [app],
    names,
  });
  return {of: record => observations[records.indexOf(record)], unmanaged};
}

/** What is live tells more than the ledger: the same spec is still a change where what is live has moved. */
function withObservation(plan: Plan, observation: Observation | undefined): Plan {
  if (observation === undefined || observation.status === 'deployed' || plan.action === 'create') return plan;
  const status: Change = {field: 'status', before: observation.status, after: 'deployed'};
  return {...plan, action: plan.action === 'none' ? 'update' : plan.action, changes: [status, ...plan.changes]};
}

function effectsOnOthers(
  unmanaged: readonly Resource[],
  members: readonly Desired[],
  {replace}: PlanOptions,
): string[] {
  const targets = new Set(members.map(({name}) => name));
  return unmanaged.map(resource => {
    const {name} = resource;
    if (isRecordedElsewhere(resource)) {
      return targets.has(name)
        ? `"${name}" was deployed by cloudctl from another machine, and would be updated`
        : `"${name}" was deployed by cloudctl from another machine, and is published again as it is`;
    }
    const fate = targets.has(name) ? 'overwritten' : resource.app === undefined ? 'used as it is' : 'dropped';
    if (resource.app === undefined) return `"${name}" exists already and is ${fate}`;
    return replace
      ? `"${name}" was deployed elsewhere and would be ${fate} (--replace)`
      : `"${name}" was deployed elsewhere and would be ${fate}: refused without --replace`;
  });
}

function effectOnSibling({resource, app}: LedgerRecord, observation: Observation | undefined): string[] {
  if (observation === undefined || observation.status === 'deployed') return [];
  return observation.status === 'drifted'
    ? [
        `"${resource}" in the app "${app}" has drifted, and is published again as the newer of ledger and deployment say`,
      ]
    : [`"${resource}" in the app "${app}" is ${observation.status}, and comes back`];
}

async function deltaOf(
  session: Session,
  {content, snapshot}: Desired,
  previous: LedgerRecord | undefined,
): Promise<PackageDelta | undefined> {
  const before = previous?.package?.digest;
  const digest = content?.digest ?? snapshot?.digest;
  if (digest === undefined || before === undefined || before === digest) return undefined;
  const {deltaBetween, manifestFor} = await import('../packaging/manifest.js');
  const was = await session.snapshots.manifestOf(before);
  const will = content === undefined ? await session.snapshots.manifestOf(digest) : manifestFor(content);
  return was === undefined || will === undefined ? undefined : deltaBetween(was, will);
}

function check(desired: Desired, {previous, records}: Surroundings, {takeOver}: PlanOptions): void {
  const {resource, type, name, app, content} = desired;
  const before = previous.get(desired);
  // One NAME from two project directories is a mistake more often than not.
  if (
    before !== undefined &&
    content !== undefined &&
    !takeOver &&
    !before.adopted &&
    before.project !== content.root
  ) {
    throw usageError('NAME_TAKEN', `"${resource}" was deployed from ${before.project}, not from ${content.root}.`, {
      hints: ['Choose another name, or add --take-over to replace it with the code from here.'],
    });
  }
  // Names become file names, and not every file system tells them apart.
  const other = records.find(
    record => record.resource !== resource && record.resource.toLowerCase() === resource.toLowerCase(),
  );
  if (other !== undefined) {
    throw usageError('NAME_TAKEN', `"${resource}" differs from "${other.resource}", which is deployed, only in case.`, {
      hints: [`Did you mean "${other.resource}"? If not, choose a name that differs in more than case.`],
    });
  }
  const members = [...previous.values()];
  const twin = records.find(
    record => !members.includes(record) && record.resource !== resource && record.name === name && record.app === app,
  );
  if (twin === undefined) return;
  const place = app === undefined ? '' : ` in the app "${app}"`;
  throw usageError('NAME_TAKEN', `"${name}"${place} belongs to the resource "${twin.resource}".`, {
    hints: [
      `Choose another: --name ${resource}`,
      `Or deploy that one again: cloudctl deploy ${type} ${twin.resource} ...`,
    ],
  });
}

/** Under another app or name it is another function: the one that was deployed before stays. */
export function movedAway(desired: Desired, previous: LedgerRecord | undefined): string[] {
  if (previous?.app === undefined || (previous.app === desired.app && previous.name === desired.name)) return [];
  return [`"${previous.name}" in the app "${previous.app}" stays live and is no longer followed here`];
}

/** A record that cannot be read may be of any app, unless it says of which. */
function concerns(problem: CloudError, app: string | undefined): boolean {
  const of = problem.data?.['app'];
  return app !== undefined && (typeof of !== 'string' || of === app);
}

function sameScope(a: Scope, b: Scope): boolean {
  return a.workspace === b.workspace && a.environment === b.environment;
}

function newestFirst(a: LedgerRecord, b: LedgerRecord): number {
  return b.deployedAt.localeCompare(a.deployedAt);
}

function pair(desired: Desired, record: LedgerRecord | undefined): [Desired, LedgerRecord][] {
  return record === undefined ? [] : [[desired, record]];
}
