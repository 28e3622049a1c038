import {
  type CredentialDefinition,
  credentialsError,
  EXIT,
  type Identity,
  isCloudError,
  type ProviderDefinition,
  type Secret,
  usageError,
} from '@cloudctl/provider-sdk';
import {CredentialIndex, type IndexChange, type IndexEntry} from '../credentials/index-file.js';
import {profileFlag} from '../credentials/profile.js';
import {
  accountOf,
  BACKEND_TITLES,
  type Backend,
  type CredentialId,
  type CredentialStore,
  SERVICE,
} from '../credentials/store.js';
import {openStore, pinnedBackend} from '../credentials/stores.js';
import {verify} from './secrets.js';
import type {Host} from './session.js';

export interface StoreInput {
  key: string;
  value: Secret;
  profile: string;
  /** `--backend`. */
  backend: Backend | undefined;
}

export interface StoreOutcome extends CredentialId {
  backend: Backend;
  /** `waiting`: kept beside the pair in use until the other half of the new pair comes. */
  action: 'stored' | 'replaced' | 'waiting';
  /** Whether the provider has accepted the pair that is in use now. */
  verified: boolean;
  /** Keys that the set still lacks. */
  missing: readonly string[];
  identity?: Identity;
}

/** A set of values that may become the one in use, by key; `fresh` ones are not in use yet. */
type Candidate = ReadonlyMap<string, Half>;

interface Half {
  value: Secret;
  fresh: boolean;
}

type Verdict = {kind: 'accepted'; identity: Identity} | {kind: 'refused' | 'unknown'; error: Error};

/**
 * Stores a value. One that replaces a part of a complete set is tried at the provider before the old one is forgotten.
 *
 * A provider that makes its tokens in pairs refuses a new half beside an old one: the new half then waits, the old pair
 * stays in use, and both are exchanged when the second half has come and the provider has accepted the pair.
 *
 * @throws CloudError with exit code 4 where the store is out of reach, or the provider refuses; the old values stay.
 */
export async function storeSecret(
  host: Host,
  definition: ProviderDefinition,
  input: StoreInput,
): Promise<StoreOutcome> {
  const index = new CredentialIndex(host.configDir, host.signal);
  await index.prepare();
  const all = await index.list();
  const idOf = (key: string): CredentialId => ({profile: input.profile, provider: definition.name, key});
  const entryOf = (key: string): IndexEntry | undefined => all.find(entry => accountOf(entry) === accountOf(idOf(key)));
  const own = entryOf(input.key);
  const others = definition.credentials.filter(({key}) => key !== input.key);
  const backend = chooseBackend(
    host,
    input.backend,
    own,
    others.map(({key}) => entryOf(key)),
  );
  const store = await openStore(backend, host, definition);
  const writer = new Writer(store, index, backend, idOf, entryOf);
  const lacking = others.filter(({key}) => entryOf(key)?.backend === undefined).map(({key}) => key);
  const base = {...idOf(input.key), backend, missing: lacking};

  const settled = others.every(({key}) => entryOf(key)?.backend === backend);
  const candidates =
    own?.backend === backend && settled ? await findCandidates(store, definition, input, idOf, entryOf) : [];
  if (candidates.length === 0) {
    await writer.store(new Map([[input.key, {value: input.value, fresh: true}]]));
    if (own?.backend !== undefined && own.backend !== backend) await forgetOld(host, definition, own);
    warnOfSplit(host, definition, backend, others, entryOf);
    return {...base, action: own?.backend === undefined ? 'stored' : 'replaced', verified: false};
  }

  let refusal: Error | undefined;
  for (const candidate of candidates) {
    const verdict = await tryOut(host, definition, candidate);
    if (verdict.kind === 'refused') {
      refusal = verdict.error;
      continue;
    }
    await writer.store(candidate);
    if (verdict.kind === 'accepted') return {...base, action: 'replaced', verified: true, identity: verdict.identity};
    host.warn(
      `Stored without being tried: ${definition.title} could not be asked (${verdict.error.message.replace(/\.$/, '')}). Try it later: cloudctl secrets test ${definition.name}${profileFlag(input.profile)}`,
    );
    return {...base, action: 'replaced', verified: false};
  }
  if (candidates.length > 1 || others.length === 0) throw refused(definition, input, others, refusal);
  await writer.keepWaiting(input.key, input.value);
  return {...base, action: 'waiting', verified: false, missing: others.map(({key}) => key)};
}

/** Asked for, pinned, where the old value is, where the rest of the set is; else the keyring, and never the file unasked. */
function chooseBackend(
  host: Host,
  asked: Backend | undefined,
  own: IndexEntry | undefined,
  others: readonly (IndexEntry | undefined)[],
): Backend {
  const pinned = pinnedBackend(host.environment);
  if (asked === undefined && pinned === 'env') {
    throw usageError('UNKNOWN_BACKEND', 'CLOUDCTL_SECRETS_BACKEND=env stores nothing.', {
      hints: ['Say where to: --backend keyring or --backend file'],
    });
  }
  const placeOf = (entry: IndexEntry | undefined): Backend | undefined => entry?.backend ?? entry?.next?.backend;
  const beside = others.map(placeOf).find(place => place !== undefined);
  return asked ?? (pinned as Backend | undefined) ?? placeOf(own) ?? beside ?? 'keyring';
}

/** The new value with the halves that wait, where there are some, then with those in use. */
async function findCandidates(
  store: CredentialStore,
  {credentials}: ProviderDefinition,
  {key: ownKey, value}: StoreInput,
  idOf: (key: string) => CredentialId,
  entryOf: (key: string) => IndexEntry | undefined,
): Promise<Candidate[]> {
  const keys = credentials.map(({key}) => key).filter(key => key !== ownKey);
  const waiting = keys.filter(key => entryOf(key)?.next !== undefined);
  const accounts = [...keys.map(key => accountOf(idOf(key))), ...waiting.map(key => accountOf(idOf(key), true))];
  const found: ReadonlyMap<string, Secret> = accounts.length === 0 ? new Map() : await store.get(SERVICE, accounts);
  const build = (next: boolean): Candidate | undefined => {
    const candidate = new Map<string, Half>([[ownKey, {value, fresh: true}]]);
    for (const key of keys) {
      const waited = next ? found.get(accountOf(idOf(key), true)) : undefined;
      const secret = waited ?? found.get(accountOf(idOf(key)));
      // The index names it, the store has lost it: there is nothing to try with.
      if (secret === undefined) return undefined;
      candidate.set(key, {value: secret, fresh: waited !== undefined});
    }
    return candidate;
  };
  return [...(waiting.length > 0 ? [build(true)] : []), build(false)].filter(candidate => candidate !== undefined);
}

async function tryOut(host: Host, definition: ProviderDefinition, candidate: Candidate): Promise<Verdict> {
  try {
    const values = new Map([...candidate].map(([key, {value}]) => [key, value]));
    return {kind: 'accepted', identity: await verify(host, definition, values)};
  } catch (error) {
    host.signal.throwIfAborted();
    if (!isCloudError(error)) throw error;
    return {kind: error.exitCode === EXIT.credentials && error.code !== 'CANNOT_VERIFY' ? 'refused' : 'unknown', error};
  }
}

/** Writes values and what is known of them. The value comes first: an entry without one would only mislead. */
class Writer {
  constructor(
    private readonly values: CredentialStore,
    private readonly index: CredentialIndex,
    private readonly backend: Backend,
    private readonly idOf: (key: string) => CredentialId,
    private readonly entryOf: (key: string) => IndexEntry | undefined,
  ) {}

  /** Puts a candidate into use. What waited is used up, or has proved wrong. */
  async store(candidate: Candidate): Promise<void> {
    const now = new Date().toISOString();
    const changes: IndexChange[] = [];
    for (const [key, {value, fresh}] of candidate) {
      const id = this.idOf(key);
      if (fresh) await this.values.set(SERVICE, accountOf(id), value);
      changes.push({
        id,
        edit: entry => ({
          ...id,
          backend: this.backend,
          createdAt: entry?.createdAt ?? now,
          updatedAt: fresh || entry === undefined ? now : entry.updatedAt,
        }),
      });
    }
    await this.index.change(changes);
    for (const key of candidate.keys())
      if (this.entryOf(key)?.next !== undefined) await this.values.delete(SERVICE, accountOf(this.idOf(key), true));
  }

  /** Keeps a value beside the one in use. */
  async keepWaiting(key: string, value: Secret): Promise<void> {
    const id = this.idOf(key);
    await this.values.set(SERVICE, accountOf(id, true), value);
    const next = {backend: this.backend, createdAt: new Date().toISOString()};
    await this.index.change([
      {id, edit: entry => ({createdAt: next.createdAt, updatedAt: next.createdAt, ...entry, ...id, next})},
    ]);
  }
}

/** The value now stands elsewhere; what was left behind would only be forgotten. */
async function forgetOld(host: Host, definition: ProviderDefinition, old: IndexEntry): Promise<void> {
  try {
    await (await openStore(old.backend!, host, definition)).delete(SERVICE, accountOf(old));
  } catch (error) {
    host.warn(`The old value is still in ${BACKEND_TITLES[old.backend!]}: ${(error as Error).message}`);
  }
}

/** Says at once what a later command would refuse: halves of a set in different places. */
function warnOfSplit(
  host: Host,
  {name}: ProviderDefinition,
  backend: Backend,
  others: readonly CredentialDefinition[],
  entryOf: (key: string) => IndexEntry | undefined,
): void {
  for (const {key} of others) {
    const entry = entryOf(key);
    if (entry?.backend === undefined || entry.backend === backend) continue;
    host.warn(
      `${key} is in ${BACKEND_TITLES[entry.backend]}, and a set is never mixed. Store it here too: cloudctl secrets ${name} ${key}${profileFlag(entry.profile)} --backend ${backend}`,
    );
  }
}

function refused(
  {name, title}: ProviderDefinition,
  {key, profile}: StoreInput,
  others: readonly CredentialDefinition[],
  cause: Error | undefined,
): Error {
  const rest = others.map(other => other.key).join(', ');
  const beside = others.length === 0 ? '' : `, neither with the new ${rest} that waits nor with the one in use`;
  return credentialsError(
    'SECRET_REFUSED',
    `${title} does not accept this ${key}${beside}. The old values stay in use.`,
    {
      provider: name,
      cause,
      hints: [
        `Copy it again: cloudctl secrets ${name} ${key}${profileFlag(profile)}`,
        ...others.map(
          other => `Or ${other.key} is the wrong one: cloudctl secrets ${name} ${other.key}${profileFlag(profile)}`,
        ),
      ],
    },
  );
}
