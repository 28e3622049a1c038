import {
  type CloudError,
  type CredentialDefinition,
  credentialsError,
  type ProviderDefinition,
  type Secret,
  type TargetDefinition,
} from '@cloudctl/provider-sdk';
import {CredentialIndex} from './index-file.js';
import {type Profile, profileFlag} from './profile.js';
import {accountOf, BACKEND_TITLES, type Backend, SERVICE} from './store.js';
import {type CredentialWorld, openStore, pinnedBackend} from './stores.js';

/** Where a value comes from. */
export interface CredentialOrigin {
  key: string;
  source: 'environment' | Backend | 'provider';
  /** Of an environment variable. */
  variable?: string;
  /** Of a stored value: when, ISO 8601. */
  storedAt?: string;
  /** Of the provider's own configuration. */
  file?: string;
}

export interface ResolvedCredentials {
  values: ReadonlyMap<string, Secret>;
  origins: readonly CredentialOrigin[];
}

export const NO_CREDENTIALS: ResolvedCredentials = {values: new Map(), origins: []};

/**
 * The credentials that a target needs: all from the environment, or all from one backend.
 *
 * The environment goes first, except where `--profile` asks for a stored set on this very command line.
 *
 * @throws CloudError with exit code 4 that names the command to run: nothing there, half of it, halves from two places,
 * or a store out of reach.
 */
export async function resolveCredentials(
  definition: ProviderDefinition,
  target: TargetDefinition,
  world: CredentialWorld,
  profile: Extract<Profile, {kind: 'stored'}>,
): Promise<ResolvedCredentials> {
  const {found, missing} = world.variables.read(definition);
  if (!target.credentials) return NO_CREDENTIALS;
  const {credentials} = definition;
  const pinned = pinnedBackend(world.environment);
  const problem = problems(definition, target, profile.name);
  if (found.size > 0 && profile.asked) {
    const names = credentials.filter(({key}) => found.has(key)).map(({variable}) => variable);
    world.warn(`--profile ${profile.name} goes before ${names.join(' and ')} in the environment.`);
  } else if (missing.length === 0) {
    return {
      values: found,
      origins: credentials.map(({key, variable}) => ({key, source: 'environment', variable})),
    };
  } else if (found.size > 0) throw problem.halfSet(missing);
  if (pinned === 'env') throw problem.missing();
  return fromStore(definition, world, profile.name, pinned, problem);
}

async function fromStore(
  definition: ProviderDefinition,
  world: CredentialWorld,
  profile: string,
  pinned: Backend | undefined,
  problem: Problems,
): Promise<ResolvedCredentials> {
  const {name: provider, credentials} = definition;
  const index = await new CredentialIndex(world.configDir, world.signal).list();
  const places = credentials.map(credential => {
    const id = {profile, provider, key: credential.key};
    const entry = index.find(candidate => accountOf(candidate) === accountOf(id));
    return {credential, id, entry, backend: pinned ?? entry?.backend};
  });
  const absent = places.filter(({backend}) => backend === undefined).map(({credential}) => credential);
  if (absent.length === credentials.length) throw problem.missing();
  if (absent.length > 0) throw problem.halfStored(absent);
  const backends = [...new Set(places.map(({backend}) => backend!))];
  if (backends.length > 1) throw problem.mixed(places.map(({credential, backend}) => [credential.key, backend!]));
  const backend = backends[0]!;
  const store = await openStore(backend, world, definition);
  const stored = await store.get(
    SERVICE,
    places.map(({id}) => accountOf(id)),
  );
  const gone = places.filter(({id}) => !stored.has(accountOf(id)));
  // Of a pinned backend the index may know nothing; then nothing was lost either.
  const never = gone.filter(({entry}) => entry === undefined).map(({credential}) => credential);
  if (never.length === credentials.length) throw problem.missing();
  if (never.length > 0) throw problem.halfStored(never);
  if (gone.length > 0)
    throw problem.gone(
      gone.map(({credential}) => credential),
      backend,
    );
  return {
    values: new Map(places.map(({id, credential}) => [credential.key, stored.get(accountOf(id))!])),
    origins: places.map(({credential, entry}) => ({
      key: credential.key,
      source: backend,
      ...(entry === undefined ? {} : {storedAt: entry.updatedAt}),
    })),
  };
}

type Problems = ReturnType<typeof problems>;

/** The errors of a resolution; each names every way out, storing the value first. */
function problems({name, title, credentials, targets}: ProviderDefinition, target: TargetDefinition, profile: string) {
  const flag = profileFlag(profile);
  const other = targets.find(candidate => !candidate.credentials);
  const store = (keys: readonly CredentialDefinition[]): string =>
    keys.map(({key}) => `cloudctl secrets ${name} ${key}${flag}`).join('; ');
  const set = (keys: readonly CredentialDefinition[]): string =>
    keys.map(({variable}) => `export ${variable}=...`).join('; ');
  const elsewhere = other === undefined ? [] : [`Or go without an account: --target ${other.name} (${other.summary})`];
  const names = (keys: readonly CredentialDefinition[]): string => keys.map(({key}) => key).join(', ');
  const of = profile === 'default' ? '' : ` in the profile "${profile}"`;
  const error = (code: string, message: string, hints: readonly string[]): CloudError =>
    credentialsError(code, message, {provider: name, hints: [...hints, ...elsewhere]});
  return {
    missing: () =>
      error('CREDENTIALS_MISSING', `No credentials for ${title} (target "${target.name}")${of}.`, [
        `Store them: ${store(credentials)}`,
        `Or set them: ${set(credentials)}`,
      ]),
    halfSet: (missing: readonly CredentialDefinition[]) => {
      const there = credentials.filter(credential => !missing.includes(credential));
      const variables = (keys: readonly CredentialDefinition[]): string =>
        keys.map(({variable}) => variable).join(', ');
      return error(
        'CREDENTIALS_INCOMPLETE',
        `${variables(there)} is set, but ${variables(missing)} is not; ${title} needs both from one source.`,
        [
          `Store both, and unset it: ${store(credentials)}; unset ${variables(there).replaceAll(',', '')}`,
          `Or set it: ${set(missing)}`,
        ],
      );
    },
    halfStored: (absent: readonly CredentialDefinition[]) =>
      error('CREDENTIALS_INCOMPLETE', `${names(absent)} of ${title} is not stored${of}; the rest is.`, [
        `Store it: ${store(absent)}`,
      ]),
    mixed: (places: readonly (readonly [key: string, backend: Backend])[]) =>
      error(
        'CREDENTIALS_MIXED',
        `The credentials of ${title} are in different places: ${places.map(([key, backend]) => `${key} in ${BACKEND_TITLES[backend]}`).join(', ')}. They are never mixed.`,
        places
          .slice(1)
          .map(
            ([key]) => `Store it beside the other: cloudctl secrets ${name} ${key}${flag} --backend ${places[0]![1]}`,
          ),
      ),
    gone: (keys: readonly CredentialDefinition[], backend: Backend) =>
      error('SECRET_NOT_FOUND', `${names(keys)} of ${title} is no longer in ${BACKEND_TITLES[backend]}.`, [
        `Store it again: ${store(keys)}`,
      ]),
  };
}
