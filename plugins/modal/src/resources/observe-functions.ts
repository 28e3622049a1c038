import {isDeepStrictEqual} from 'node:util';
import type {
  Context,
  Difference,
  Observation,
  ObserveOutcome,
  ObserveRequest,
  Resource,
  ResourceRecord,
} from '@cloudctl/provider-sdk';
import type {Bridge, KnownApp, ManagedFunction, Result} from '../bridge/index.js';
import type {Modal} from '../modal.js';

export type ObservedApp = Result<'observe'>['apps'][number];

/** Modal publishes whole apps: whatever changed in one, the app has a new version. */
export function revisionOf(appId: string, version: number): string {
  return `${appId}@${version}`;
}

/** Compares the ledger's functions with the live apps. */
export async function observeFunctions(
  {records, apps}: ObserveRequest,
  modal: Modal,
  context: Context,
): Promise<ObserveOutcome> {
  const names = [...new Set([...apps, ...records.map(({app}) => app!)])];
  if (names.length === 0) return {observations: [], unmanaged: []};
  const bridge = await modal.bridge();
  const known = knownApps(records);
  if (apps.length === 0 && (await areAsKnown(bridge, names, known, context))) {
    const observations = records.map(
      ({resource, revision}): Observation => ({resource, status: 'deployed', differences: [], revision: revision!}),
    );
    return {observations, unmanaged: []};
  }
  const {apps: found, warnings} = await bridge.observe({apps: names, volumes: [], known}, {signal: context.signal});
  for (const warning of warnings ?? []) context.warn(warning);
  return {
    observations: records.map(record =>
      compare(
        record,
        found.find(({app}) => app === record.app),
      ),
    ),
    unmanaged: found.flatMap(app => unmanagedIn(app, records, modal)),
  };
}

/**
 * Whether every app is live at the version at which the ledger last saw it. Asked without the SDK, which would take
 * longer to import than all the rest of a deploy without changes; where that fails, the way through the SDK tells why.
 */
async function areAsKnown(
  bridge: Bridge,
  names: readonly string[],
  known: readonly KnownApp[],
  {signal, debug}: Context,
): Promise<boolean> {
  if (known.length < names.length) return false;
  try {
    const {apps} = await bridge.versions({apps: names}, {signal});
    return known.every(({app, appId, version}) =>
      apps.some(
        live => live.app === app && live.state === 'deployed' && live.appId === appId && live.version === version,
      ),
    );
  } catch (error) {
    signal.throwIfAborted();
    debug(`versions: ${String(error)}`);
    return false;
  }
}

/** Apps of which every record was last seen at the same version; one that is still so needs no closer look. */
function knownApps(records: readonly ResourceRecord[]): KnownApp[] {
  const apps = new Map<string, ResourceRecord[]>();
  for (const record of records) apps.set(record.app!, [...(apps.get(record.app!) ?? []), record]);
  return [...apps].flatMap(([app, of]) => {
    const revision = of[0]!.revision;
    const [appId, version] = revision?.split('@') ?? [];
    if (appId === undefined || version === undefined || of.some(other => other.revision !== revision)) return [];
    return [{app, appId, version: Number(version), functions: of.map(({name}) => name)}];
  });
}

function compare(record: ResourceRecord, app: ObservedApp | undefined): Observation {
  const {resource, name} = record;
  const revision = app?.appId == null || app.version == null ? undefined : revisionOf(app.appId, app.version);
  const observed = (status: Observation['status'], differences: readonly Difference[]): Observation => ({
    resource,
    status,
    differences,
    ...(revision === undefined ? {} : {revision}),
  });
  if (app === undefined || app.state === 'absent') {
    return observed('missing', [{what: `app "${record.app}"`, before: 'deployed', after: 'not there'}]);
  }
  if (app.state === 'stopped') {
    const {stoppedBy: by, stoppedAt: at} = app;
    const who = {...(by == null ? {} : {by}), ...(at == null ? {} : {at})};
    return observed('stopped', [{what: `app "${record.app}"`, before: 'deployed', after: 'stopped', ...who}]);
  }
  if (!app.functions.some(live => live.name === name)) {
    return observed('missing', [{what: 'function', before: 'deployed', after: 'not in the app', ...lastPublish(app)}]);
  }
  if (revision !== undefined && revision === record.revision) return observed('deployed', []);
  const managed = (app.managed ?? []).find(candidate => candidate.name === name);
  if (app.ours && managed !== undefined) {
    return isAsRecorded(record, managed)
      ? observed('deployed', [])
      : observed('drifted', [
          {
            what: 'deployment',
            before: record.deployedAt,
            after: managed.deployedAt,
            by: managed.client,
            at: managed.deployedAt,
          },
        ]);
  }
  return observed('drifted', [versionDifference(record, app)]);
}

/** Published again by CloudCTL, from here or elsewhere: this function as the ledger has it? */
function isAsRecorded({deployedAt, package: source, spec}: ResourceRecord, managed: ManagedFunction): boolean {
  if (managed.deployedAt === deployedAt) return true;
  const {signature: _, ...wanted} = spec;
  const recorded = (managed.spec as {spec?: object} | undefined)?.spec;
  return managed.digest === source?.digest && isDeepStrictEqual(recorded, wanted);
}

function versionDifference({revision, deployedAt}: ResourceRecord, app: ObservedApp): Difference {
  const before = revision?.split('@')[1];
  const version = app.version == null ? 'another' : String(app.version);
  const how = app.rolledBackTo == null ? '' : ` (rolled back to ${app.rolledBackTo})`;
  return {
    what: 'app version',
    before: before ?? deployedAt,
    after: `${version}${how}`,
    ...lastPublish(app),
  };
}

function lastPublish({deployedBy, deployedAt, client, ours, unrecorded}: ObservedApp): {by?: string; at?: string} {
  const tool = ours
    ? 'cloudctl'
    : unrecorded === true
      ? 'cloudctl (interrupted before it was recorded)'
      : client == null
        ? undefined
        : `modal ${client}`;
  const by = [deployedBy, tool].filter(Boolean).join(', with ');
  return {...(by === '' ? {} : {by}), ...(deployedAt == null ? {} : {at: deployedAt})};
}

function unmanagedIn(app: ObservedApp, records: readonly ResourceRecord[], modal: Modal): Resource[] {
  if (app.state !== 'deployed') return [];
  const {appId, version, deployedAt, deployedBy} = app;
  return app.functions
    .filter(live => !records.some(record => record.app === app.app && record.name === live.name))
    .map(({id, name, url, managed}) => ({
      id,
      name,
      type: 'ai',
      status: 'deployed',
      app: app.app,
      createdAt: deployedAt ?? '',
      ...modal.dashboardUrl(`https://modal.com/id/${id}`, appId ?? undefined),
      ...(url == null ? {} : {url}),
      ...(appId == null || version == null ? {} : {revision: revisionOf(appId, version)}),
      details: {recorded: managed, ...(deployedBy == null ? {} : {deployedBy})},
    }));
}
