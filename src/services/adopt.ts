import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {type AdoptOutcome, type SourcePackage, usageError} from '@cloudctl/provider-sdk';
import {deploymentOf, LEDGER_SCHEMA, type LedgerRecord} from '../ledger/record.js';
import {methodOf} from '../providers/loading.js';
import {withPlace} from './app-lock.js';
import type {Session} from './session.js';

export interface AdoptInput {
  type: string;
  /** NAME that it is to have here. */
  resource: string;
  /** The provider's name; NAME where absent. */
  name?: string | undefined;
  app?: string | undefined;
}

export interface AdoptResult {
  record: LedgerRecord;
  outcome: AdoptOutcome;
}

/**
 * Follows from here what was deployed elsewhere. What is live is not touched.
 *
 * Where CloudCTL deployed it, its spec and its code come along; else both are unknown until it is deployed from here.
 */
export async function adopt(session: Session, input: AdoptInput): Promise<AdoptResult> {
  const {definition, implementation, context, target, ledger} = session;
  const {type, resource, app} = input;
  const name = input.name ?? resource;
  const method = methodOf(definition, implementation, type, 'adopt');
  const scope = await implementation.scope(context);
  return withPlace(session, scope, {type, resource, app}, async ({lost}) => {
    const {records} = await ledger.list({provider: definition.name, target: target.name, scope, type});
    const there = records.find(record => record.resource === resource);
    const same = records.find(record => record.name === name && (app === undefined || record.app === app));
    if (there !== undefined || same !== undefined) throw alreadyKnown(there ?? same!, input);
    await mkdir(session.snapshots.directory, {recursive: true, mode: 0o700});
    const scratch = await mkdtemp(join(session.snapshots.directory, 'new-'));
    try {
      const directory = join(scratch, 'code');
      const outcome = await method({resource, name, directory, ...(app === undefined ? {} : {app})}, context);
      const source =
        outcome.digest === undefined || !existsSync(directory)
          ? undefined
          : await session.snapshots.keepDirectory(directory, outcome.digest);
      const record = recordOf(session, scope, input, outcome, source, await implementation.prices());
      lost.throwIfAborted();
      await ledger.write(record);
      return {record, outcome};
    } finally {
      await rm(scratch, {recursive: true, force: true});
    }
  });
}

function recordOf(
  session: Session,
  scope: LedgerRecord['scope'],
  {type, resource}: AdoptInput,
  {resource: live, spec, deployedAt}: AdoptOutcome,
  source: SourcePackage | undefined,
  {version, date}: {version: string; date: string},
): LedgerRecord {
  const record: LedgerRecord = {
    schema: LEDGER_SCHEMA,
    provider: session.definition.name,
    target: session.target.name,
    scope,
    type,
    resource,
    name: live.name,
    ...(live.app === undefined ? {} : {app: live.app}),
    id: live.id,
    spec,
    ...(source === undefined ? {} : {package: {digest: source.digest, files: source.files, bytes: source.bytes}}),
    ...(live.url === undefined ? {} : {url: live.url}),
    ...(live.dashboardUrl === undefined ? {} : {dashboardUrl: live.dashboardUrl}),
    createdAt: live.createdAt,
    deployedAt: deployedAt ?? live.createdAt,
    project: session.host.workingDirectory,
    client: session.host.version,
    prices: {version, date},
    ...(live.revision === undefined ? {} : {revision: live.revision}),
    adopted: true,
    deployments: [],
  };
  return {...record, deployments: [deploymentOf(record, 'adopted', 1)]};
}

function alreadyKnown({resource, name, app, type}: LedgerRecord, input: AdoptInput): Error {
  const place = app === undefined ? '' : ` in the app "${app}"`;
  const wanted = input.name ?? input.resource;
  const see = `See it: cloudctl ledger show ${type} ${resource}`;
  if (name === wanted && (input.app === undefined || input.app === app)) {
    return usageError('ALREADY_KNOWN', `"${name}"${place} is in the ledger already, as "${resource}".`, {hints: [see]});
  }
  const flags = `--name ${wanted}${input.app === undefined ? '' : ` --app ${input.app}`}`;
  return usageError('ALREADY_KNOWN', `The ledger has another "${resource}" already: "${name}"${place}.`, {
    hints: [see, `Choose another NAME here: cloudctl adopt ${type} NAME ${flags}`],
  });
}
