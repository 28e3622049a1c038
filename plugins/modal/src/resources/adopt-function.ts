import {
  type AdoptOutcome,
  type AdoptRequest,
  type Context,
  didYouMean,
  isCloudError,
  notFoundError,
  type Spec,
  usageError,
} from '@cloudctl/provider-sdk';
import type {Bridge} from '../bridge/index.js';
import type {Modal} from '../modal.js';
import {type ObservedApp, revisionOf} from './observe-functions.js';

/** A live function, with its spec and code where CloudCTL deployed it from another machine. */
export async function adoptFunction(request: AdoptRequest, modal: Modal, context: Context): Promise<AdoptOutcome> {
  const bridge = await modal.bridge();
  const {signal} = context;
  const app = request.app ?? (await findApp(bridge, request.name, context));
  const {apps} = await bridge.observe({apps: [app], volumes: []}, {signal});
  const found = apps[0];
  const live = found?.functions.find(({name}) => name === request.name);
  if (found === undefined || found.state !== 'deployed' || live === undefined)
    throw notLive(request.name, app, found, context);
  const managed = (found.managed ?? []).find(({name}) => name === request.name);
  const digest =
    managed === undefined
      ? undefined
      : await fetchCode(bridge, {app, digest: managed.digest, directory: request.directory}, context);
  const recorded = (managed?.spec as {spec?: Spec} | undefined)?.spec;
  if (digest === undefined) {
    context.warn(
      `Modal does not give out how "${request.name}" was deployed, nor its code: deploying another function into "${app}" would drop it, and is refused until you deploy it from here once.`,
    );
  }
  const {ours} = found;
  if (digest !== undefined && !ours) {
    context.warn(
      `What is live in "${app}" is not what CloudCTL deployed last: it was ${found.rolledBackTo == null ? 'published by another tool' : `rolled back to version ${found.rolledBackTo}`}. Settings and code are those of the last deployment; the next deploy brings them back.`,
    );
  }
  return {
    resource: {
      id: live.id,
      name: live.name,
      type: 'ai',
      app,
      status: 'deployed',
      createdAt: found.deployedAt ?? new Date().toISOString(),
      ...modal.dashboardUrl(`https://modal.com/id/${live.id}`, found.appId ?? undefined),
      ...(live.url == null ? {} : {url: live.url}),
      // Without a revision it counts as drifted, which it is.
      ...(found.appId == null || found.version == null || (digest !== undefined && !ours)
        ? {}
        : {revision: revisionOf(found.appId, found.version)}),
    },
    spec: digest === undefined ? {} : (recorded ?? {}),
    ...(digest === undefined ? {} : {digest}),
    ...(managed === undefined ? {} : {deployedAt: managed.deployedAt}),
  };
}

async function fetchCode(
  bridge: Bridge,
  wanted: {app: string; digest: string; directory: string},
  context: Context,
): Promise<string | undefined> {
  try {
    await bridge.fetchPackage(wanted, {signal: context.signal});
    return wanted.digest;
  } catch (error) {
    if (!isCloudError(error) || error.exitCode !== 3) throw error;
    context.debug(`no package beside the deployment: ${error.message}`);
    return undefined;
  }
}

async function findApp(bridge: Bridge, name: string, context: Context): Promise<string> {
  const {functions} = await bridge.listFunctions({signal: context.signal});
  const live = functions.filter(({status}) => status !== 'stopped');
  const apps = live.filter(candidate => candidate.name === name).map(({app}) => app);
  if (apps.length === 1) return apps[0]!;
  if (apps.length > 1) {
    throw usageError('NAME_AMBIGUOUS', `Several apps have a function "${name}".`, {
      provider: 'modal',
      hints: apps.map(app => `Say which: --app ${app}`),
    });
  }
  throw notFoundError('FUNCTION_NOT_FOUND', `No live app has a function "${name}".`, {
    provider: 'modal',
    hints: [
      ...didYouMean(
        name,
        live.map(candidate => candidate.name),
      ),
      seeLive('ai', context),
    ],
  });
}

function notLive(name: string, app: string, found: ObservedApp | undefined, context: Context): Error {
  const state = found?.state ?? 'absent';
  const names = (found?.functions ?? []).map(live => live.name);
  return notFoundError(
    'FUNCTION_NOT_FOUND',
    state === 'deployed'
      ? `The app "${app}" has no function "${name}".`
      : `The app "${app}" is ${state === 'stopped' ? 'stopped' : 'not there'}: there is nothing to adopt.`,
    {provider: 'modal', hints: [...didYouMean(name, names), seeLive('ai', context)]},
  );
}

/** The command that lists what is live where the context is. */
export function seeLive(type: 'ai' | 'storage', {target}: Context): string {
  return `See what is live: cloudctl list ${type} --provider modal${target === 'cloud' ? '' : ` --target ${target}`}`;
}
