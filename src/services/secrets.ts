import {
  CloudError,
  credentialsError,
  didYouMean,
  type Identity,
  isCloudError,
  nearestNames,
  notFoundError,
  type ProviderDefinition,
  type Secret,
  type TargetDefinition,
  usageError,
} from '@cloudctl/provider-sdk';
import {CredentialIndex, type IndexEntry} from '../credentials/index-file.js';
import {DEFAULT_PROFILE, readProfile} from '../credentials/profile.js';
import type {CredentialOrigin} from '../credentials/resolve.js';
import {accountOf, type Backend, type CredentialId, SERVICE} from '../credentials/store.js';
import {openStore} from '../credentials/stores.js';
import {loadDefinition} from '../providers/loading.js';
import type {Registry} from '../providers/registry.js';
import {createContext, findCredentials, type Host} from './session.js';

/** A stored value, or one in the environment, as `secrets list` shows it. */
export interface ListedSecret {
  provider: string;
  key: string;
  /** Absent for the environment, which has no profiles. */
  profile?: string;
  source: Backend | 'environment';
  variable?: string;
  /** ISO 8601, UTC. */
  createdAt?: string;
  updatedAt?: string;
  /** Whole days since `updatedAt`. */
  ageDays?: number;
  /** Since when a new value has been waiting for the other half of its pair. */
  waitingSince?: string;
}

/**
 * The provider that `secrets` was asked about.
 *
 * @throws CloudError with exit code 3 where it is not installed. The typed word is not repeated: it may be the secret.
 */
export async function findProvider(registry: Registry, typed: string): Promise<ProviderDefinition> {
  const registered = registry.providers.find(({name}) => name === typed);
  if (registered !== undefined) return loadDefinition(registered);
  const names = registry.providers.map(({name}) => name);
  throw notFoundError('PROVIDER_NOT_INSTALLED', 'No provider of that name is installed.', {
    hints: [
      ...didYouMean(typed, names),
      ...(names.length > 0 ? [`Installed: ${names.join(', ')}`] : []),
      'Install one: cloudctl plugins install NAME',
    ],
  });
}

/**
 * Makes sure that the provider has such a key.
 *
 * @throws CloudError with exit code 2 and the nearest names. The typed word is not repeated: it may be the secret.
 */
export function checkKey({name, title, credentials}: ProviderDefinition, typed: string | undefined): string {
  const keys = credentials.map(({key}) => key);
  if (typed !== undefined && keys.includes(typed)) return typed;
  const value = credentials.find(({prefix}) => prefix && typed?.startsWith(prefix));
  if (value !== undefined) {
    throw usageError(
      'VALUE_IN_ARGUMENTS',
      `That looks like a ${value.title} itself. It is not taken from the command line.`,
      {
        provider: name,
        hints: [
          `Say which key, and type the value when you are asked: cloudctl secrets ${name} ${value.key}`,
          "If that was a real one, it is in your shell's history now: make a new one, and revoke this one.",
        ],
      },
    );
  }
  const near = typed === undefined ? [] : nearestNames(typed.replaceAll('-', '_'), keys);
  const message = typed === undefined ? `Which of ${title}'s keys?` : `${title} has no key of that name.`;
  throw usageError(typed === undefined ? 'KEY_MISSING' : 'UNKNOWN_KEY', message, {
    provider: name,
    hints: [
      ...(near.length > 0 ? [`Did you mean: cloudctl secrets ${name} ${near[0]}`] : []),
      `Keys: ${credentials.map(({key, title: what}) => `${key} (${what})`).join(', ')}`,
    ],
  });
}

/** The target that needs the provider's credentials. */
export function targetOf({title, targets}: ProviderDefinition): TargetDefinition {
  const target = targets.find(({credentials}) => credentials);
  if (target === undefined) throw usageError('NO_CREDENTIALS_NEEDED', `${title} needs no credentials.`);
  return target;
}

/** The name of one of CloudCTL's own profiles; a provider's cannot be written. */
export function storedProfile(host: Host, flag: string | undefined): string {
  const profile = readProfile(flag, host.environment);
  if (profile.kind === 'stored') return profile.name;
  throw usageError('BAD_PROFILE', "A profile of the provider's own configuration is read, never written.", {
    hints: [`Name one of CloudCTL's own: --profile ${DEFAULT_PROFILE}`],
  });
}

/** What is stored, and what the environment has for installed providers. Asks no store and unlocks nothing. */
export async function listSecrets(host: Host, registry: Registry): Promise<readonly ListedSecret[]> {
  const entries = await new CredentialIndex(host.configDir, host.signal).list();
  const rows = entries.map(listed);
  for (const registered of registry.providers) {
    // One that does not load is the concern of `cloudctl providers`.
    const definition = await loadDefinition(registered).catch(() => undefined);
    if (definition === undefined) continue;
    const {found} = host.variables.read(definition);
    for (const {key, variable} of definition.credentials)
      if (found.has(key)) rows.push({provider: definition.name, key, source: 'environment', variable});
  }
  return rows;
}

function listed({provider, key, profile, backend, createdAt, updatedAt, next}: IndexEntry): ListedSecret {
  return {
    provider,
    key,
    profile,
    source: backend ?? next!.backend,
    createdAt,
    updatedAt,
    ageDays: Math.max(0, Math.floor((Date.now() - Date.parse(updatedAt)) / 86_400_000)),
    ...(next === undefined ? {} : {waitingSince: next.createdAt}),
  };
}

/** Deletes a value wherever it is, also of a provider that is no longer installed. */
export async function deleteSecret(
  host: Host,
  registry: Registry,
  typed: {provider: string; key: string; profile: string | undefined; backend: Backend | undefined},
): Promise<CredentialId & {backend: Backend}> {
  const index = new CredentialIndex(host.configDir, host.signal);
  const profile = storedProfile(host, typed.profile);
  const entries = await index.list();
  const entry = entries.find(
    candidate => candidate.provider === typed.provider && candidate.key === typed.key && candidate.profile === profile,
  );
  const installed = registry.providers.some(({name}) => name === typed.provider);
  const known = installed || entry === undefined ? await findProvider(registry, typed.provider) : undefined;
  if (entry === undefined) checkKey(known!, typed.key);
  const definition = known ?? {name: typed.provider, credentials: []};
  const id: CredentialId = {profile, provider: typed.provider, key: typed.key};
  const backends = new Set([typed.backend ?? entry?.backend, entry?.next?.backend].filter(name => name !== undefined));
  let existed = false;
  for (const backend of backends) {
    const store = await openStore(backend, host, definition);
    for (const next of [false, true])
      if (!next || entry?.next !== undefined) existed = (await store.delete(SERVICE, accountOf(id, next))) || existed;
  }
  if (!existed && entry === undefined) throw notStored(id);
  if (entry !== undefined) await index.change([{id, edit: () => undefined}]);
  if (!existed) host.warn('Its store no longer had it; only the record of it was left.');
  return {...id, backend: [...backends][0]!};
}

function notStored({profile, provider, key}: CredentialId): Error {
  return notFoundError('SECRET_NOT_FOUND', `${key} of ${provider} is not stored in the profile "${profile}".`, {
    provider,
    hints: ['See what is: cloudctl secrets list'],
  });
}

/** Where each value comes from, and whose it is. */
export interface TestedSecrets {
  profile: string;
  origins: readonly CredentialOrigin[];
  identity: Identity;
}

/** Finds the credentials as a deploy would, then asks the provider whose they are. */
export async function testSecrets(
  host: Host,
  definition: ProviderDefinition,
  flag: string | undefined,
  found: (origins: readonly CredentialOrigin[]) => void,
): Promise<TestedSecrets> {
  const target = targetOf(definition);
  const implementation = await definition.load();
  try {
    const {values, origins, variables} = await findCredentials(host, definition, implementation, target, flag);
    found(origins);
    if (implementation.verify === undefined) throw cannotVerify(definition);
    try {
      const identity = await implementation.verify(createContext(host, definition, target, values, variables));
      warnOfExpiry(host, definition, identity);
      return {profile: flag ?? (host.environment['CLOUDCTL_PROFILE'] || DEFAULT_PROFILE), origins, identity};
    } catch (error) {
      throw isCloudError(error) ? withOrigins(error, origins) : error;
    }
  } finally {
    await implementation.dispose();
  }
}

/** Asks the provider whose values these are, in a connection of their own. */
export async function verify(
  host: Host,
  definition: ProviderDefinition,
  values: ReadonlyMap<string, Secret>,
): Promise<Identity> {
  const implementation = await definition.load();
  try {
    if (implementation.verify === undefined) throw cannotVerify(definition);
    return await implementation.verify(createContext(host, definition, targetOf(definition), values));
  } finally {
    await implementation.dispose();
  }
}

function cannotVerify({name, title}: ProviderDefinition): CloudError {
  return credentialsError('CANNOT_VERIFY', `The plugin for ${title} has no way to ask whose credentials they are.`, {
    provider: name,
  });
}

/** The provider's refusal, with where the values came from as facts for a script. */
function withOrigins(error: CloudError, origins: readonly CredentialOrigin[]): CloudError {
  const {message, code, exitCode, hints, provider, data, cause} = error;
  return new CloudError(message, {
    code,
    exitCode,
    hints,
    cause,
    data: {...data, credentials: origins},
    ...(provider === undefined ? {} : {provider}),
  });
}

const SOON_DAYS = 14;

function warnOfExpiry(host: Host, {name, title, credentials}: ProviderDefinition, {expiresAt}: Identity): void {
  if (expiresAt === undefined) return;
  const days = Math.floor((Date.parse(expiresAt) - Date.now()) / 86_400_000);
  if (days > SOON_DAYS) return;
  const keys = credentials.map(({key}) => `cloudctl secrets ${name} ${key}`).join('; ');
  host.warn(`${title}: this token expires ${days < 1 ? 'within a day' : `in ${days} days`}. Store a new one: ${keys}`);
}
