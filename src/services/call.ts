import {type CallOutcome, type JsonValue, type Resource, usageError} from '@cloudctl/provider-sdk';
import {toResourceRecord} from '../ledger/record.js';
import {methodOf} from '../providers/loading.js';
import {findRecord, resourceNotFound} from './find.js';
import type {Session} from './session.js';

export interface CallInput {
  type: string;
  /** NAME, or the provider's `app/function`. */
  resource: string;
  input?: {value: JsonValue};
}

/** Calls a function once. Yields the values of a generator as they come. */
export async function* callResource(
  session: Session,
  {type, resource, input}: CallInput,
): AsyncGenerator<JsonValue, CallOutcome> {
  const {definition, implementation, context, snapshots} = session;
  const method = methodOf(definition, implementation, type, 'call');
  const {record, names} = await findRecord(session, type, resource);
  const given = input === undefined ? {} : {input};
  if (record !== undefined) {
    const {name, app} = record;
    const known = toResourceRecord(record, digest => snapshots.directoryOf(digest));
    return yield* method({record: known, name, ...(app === undefined ? {} : {app}), ...given}, context);
  }
  const live = await findLive(session, type, resource);
  if (live === undefined) throw resourceNotFound(session, type, resource, names);
  return yield* method({name: live.name, ...(live.app === undefined ? {} : {app: live.app}), ...given}, context);
}

/** Something that another machine deployed: by its name where only one has it, else by `app/name`. */
async function findLive(session: Session, type: string, resource: string): Promise<Resource | undefined> {
  const [name, app] = resource.split('/').reverse() as [string, string | undefined];
  const found: Resource[] = [];
  const list = methodOf(session.definition, session.implementation, type, 'list');
  for await (const candidate of list({type}, session.context)) {
    if (candidate.name === name && (app === undefined || candidate.app === app) && candidate.status !== 'stopped')
      found.push(candidate);
  }
  if (found.length < 2) return found[0];
  const choices = found.map(candidate => `${candidate.app}/${candidate.name}`);
  throw usageError('NAME_AMBIGUOUS', `Several apps have a "${resource}".`, {
    hints: [`Say which: ${choices.join(', ')}`],
  });
}
