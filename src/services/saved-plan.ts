import {resolve} from 'node:path';
import {type ProviderDefinition, usageError} from '@cloudctl/provider-sdk';
import {loadDefinition} from '../providers/loading.js';
import type {Registry} from '../providers/registry.js';
import {chooseProvider} from '../providers/selection.js';
import type {DeployOptions} from './deploy.js';
import {type Desired, PackageReader} from './desired.js';
import {orderGroups, type Step} from './groups.js';
import {observe} from './observe.js';
import {fingerprintOf, type PlanItem, readPlanFile} from './plan-file.js';
import {type PlannedGroup, type PlannedResource, planGroup} from './planning.js';
import type {SessionOpener} from './project.js';
import type {Host, Session} from './session.js';

export interface OpenedPlan {
  steps: readonly Step[];
  /** As the plan was made; `inspect` holds the plan against what is there. */
  options: DeployOptions;
}

/**
 * A plan that was kept, ready to be deployed.
 *
 * @throws CloudError with exit code 2 where code, ledger or live state have moved since it was made.
 */
export async function openPlan(host: Host, registry: Registry, file: string, open: SessionOpener): Promise<OpenedPlan> {
  const {resources: items, replace, takeOver} = await readPlanFile(resolve(host.workingDirectory, file));
  const packages = new PackageReader({host}, [resolve(host.workingDirectory, file)]);
  const sessions = new Map<string, Promise<Session>>();
  const sessionOf = ({provider, target, profile, environment}: PlanItem): Promise<Session> => {
    const key = JSON.stringify([provider, target, profile, environment]);
    if (!sessions.has(key)) {
      const definition: Promise<ProviderDefinition> = loadDefinition(chooseProvider(registry, {flag: provider}));
      sessions.set(
        key,
        definition.then(found => open(found, {target, profile, environment})),
      );
    }
    return sessions.get(key)!;
  };
  const wanted: {session: Session; desired: Desired}[] = [];
  for (const item of items) wanted.push({desired: await desireAgain(item, packages), session: await sessionOf(item)});
  const steps = orderGroups(wanted);
  const options: DeployOptions = {replace, takeOver, inspect: planned => checkUnmoved(planned, items)};
  // All of it before any of it: a plan is not to be carried out by half.
  for (const step of steps) await checkUnmoved(await planGroup(step, {replace, takeOver, refresh: false}), items);
  return {steps, options};
}

/**
 * The item as a resource to deploy, with the project read again.
 *
 * @throws CloudError where the code is no longer what the plan saw.
 */
async function desireAgain(item: PlanItem, packages: PackageReader): Promise<Desired> {
  const {type, resource, name, app, spec, needs, dependsOn, project} = item;
  const content = item.digest === undefined ? undefined : await packages.read(project);
  if (content !== undefined && content.digest !== item.digest) {
    throw stale(`the code of "${resource}" in ${project} has changed`);
  }
  return {
    type,
    resource,
    name,
    spec,
    dependsOn,
    project,
    ...(app === undefined ? {} : {app}),
    ...(needs === undefined ? {} : {needs}),
    ...(content === undefined ? {} : {content}),
  };
}

/**
 * Checks, with the lock of the group held, that ledger and live state are what the plan saw.
 *
 * @throws CloudError with exit code 2 that says what moved.
 */
async function checkUnmoved(planned: PlannedGroup, items: readonly PlanItem[]): Promise<void> {
  const {session, resources, siblings, type} = planned;
  const itemOf = ({desired}: PlannedResource): PlanItem =>
    items.find(item => item.type === desired.type && item.resource === desired.resource)!;
  for (const resource of resources) {
    if (fingerprintOf(resource.previous) !== itemOf(resource).ledger)
      throw stale(`"${resource.desired.resource}" was deployed again, or forgotten`);
  }
  const known = resources.filter(({previous}) => previous !== undefined);
  if (known.length === 0) return;
  const records = [...known.map(({previous}) => previous!), ...siblings];
  const {observations} = await observe(session, {type, records});
  known.forEach((resource, i) => {
    const {live} = itemOf(resource);
    const now = observations[i]!;
    const before = live?.status ?? 'deployed';
    if (now.status !== before || (live?.revision !== undefined && live.revision !== now.revision))
      throw stale(`"${resource.desired.resource}" is ${now.status} now, and was ${before}`);
  });
}

function stale(what: string): Error {
  return usageError('PLAN_STALE', `The plan no longer holds: ${what} since it was made. Nothing was deployed.`, {
    hints: ['Make the plan again: cloudctl plan --refresh --out FILE'],
  });
}
