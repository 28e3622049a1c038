import {join} from 'node:path';
import {
  type Context,
  didYouMean,
  type OperationName,
  type ProgressSink,
  type ProviderDefinition,
  type ProviderImplementation,
  type TargetDefinition,
  usageError,
} from '@cloudctl/provider-sdk';
import {readProfile} from '../credentials/profile.js';
import {NO_CREDENTIALS, type ResolvedCredentials, resolveCredentials} from '../credentials/resolve.js';
import type {CredentialWorld} from '../credentials/stores.js';
import {Snapshots} from '../ledger/snapshots.js';
import {Ledger} from '../ledger/store.js';

/** What a command lends to the services: the world outside, and where words for people go. */
export interface Host extends CredentialWorld {
  readonly version: string;
  readonly cacheDir: string;
  readonly workingDirectory: string;
  readonly report: ProgressSink;
  /** Asks a yes-or-no question; absent where nobody can be asked. */
  readonly confirm: ((question: string) => Promise<boolean>) | undefined;
  debug(message: string): void;
}

export interface SessionOptions {
  /** `--target`. */
  target?: string | undefined;
  /** The operation to come, so that the provider can start what is slow to start. */
  operation: OperationName;
  /** Whether the operation reaches the provider; reading the ledger does not, and needs no credentials. */
  connected: boolean;
  /** `--profile`. */
  profile?: string | undefined;
  /** The provider's own environment, where `cloudctl.yaml` says one. */
  environment?: string | undefined;
}

/** What else than the provider and its target tells sessions apart. */
export interface SessionChoice {
  readonly profile?: string;
  /** The provider's environment, where one was chosen. */
  readonly environment?: string;
}

/** A provider made ready for one command. */
export interface Session {
  readonly host: Host;
  readonly definition: ProviderDefinition;
  readonly implementation: ProviderImplementation;
  readonly context: Context;
  readonly target: TargetDefinition;
  /** What it was opened with, to open it again. */
  readonly choice: SessionChoice;
  /** Whether the provider may be asked. */
  readonly connected: boolean;
  readonly ledger: Ledger;
  readonly snapshots: Snapshots;
  readonly locks: string;
}

/** Chooses the target, resolves the credentials that it needs, and loads the working part of the provider. */
export async function openSession(
  host: Host,
  definition: ProviderDefinition,
  options: SessionOptions,
): Promise<Session> {
  const target = chooseTarget(definition, options.target, host.environment);
  const implementation = await definition.load();
  // Taken out of the environment even where none are needed.
  host.variables.read(definition);
  const {values, variables} = options.connected
    ? await findCredentials(host, definition, implementation, target, options.profile)
    : {...NO_CREDENTIALS, variables: {}};
  const chosen =
    options.environment === undefined || definition.environmentVariable === undefined
      ? {}
      : {[definition.environmentVariable]: options.environment};
  const context = createContext(host, definition, target, values, variables, chosen);
  if (options.connected) implementation.prepare?.(options.operation, context);
  return {
    host,
    definition,
    implementation,
    context,
    target,
    choice: {
      ...(options.profile === undefined ? {} : {profile: options.profile}),
      ...(options.environment === undefined ? {} : {environment: options.environment}),
    },
    connected: options.connected,
    ledger: new Ledger(join(host.dataDir, 'ledger')),
    snapshots: new Snapshots(join(host.dataDir, 'snapshots')),
    locks: join(host.dataDir, 'locks'),
  };
}

/** What the provider gets to see of this command. */
export function createContext(
  host: Host,
  definition: ProviderDefinition,
  target: TargetDefinition,
  credentials: Context['credentials'],
  variables: Readonly<Record<string, string>> = {},
  chosen: Readonly<Record<string, string>> = {},
): Context {
  return {
    signal: host.signal,
    workingDirectory: host.workingDirectory,
    directories: {
      cache: join(host.cacheDir, 'providers', definition.name),
      data: join(host.dataDir, 'providers', definition.name),
    },
    target: target.name,
    credentials,
    environment: {...variables, ...host.environment, ...chosen},
    client: {name: 'cloudctl', version: host.version},
    report: host.report,
    warn: host.warn,
    debug: host.debug,
  };
}

/** Credentials of the profile that was asked for, with the variables that belong to one of the provider's own. */
export async function findCredentials(
  host: Host,
  definition: ProviderDefinition,
  implementation: ProviderImplementation,
  target: TargetDefinition,
  flag: string | undefined,
): Promise<ResolvedCredentials & {variables: Readonly<Record<string, string>>}> {
  if (!target.credentials) return {...NO_CREDENTIALS, variables: {}};
  const profile = readProfile(flag, host.environment);
  if (profile.kind === 'stored')
    return {...(await resolveCredentials(definition, target, host, profile)), variables: {}};
  if (profile.provider !== definition.name || implementation.ownProfile === undefined) {
    throw usageError('BAD_PROFILE', `${definition.title} has no profiles of that kind.`, {
      provider: definition.name,
      hints: [
        implementation.ownProfile === undefined
          ? `Store one of CloudCTL's own: cloudctl secrets ${definition.name} ${definition.credentials[0]?.key ?? 'KEY'} --profile NAME`
          : `One of ${definition.title}'s own configuration is called ${definition.name}:NAME.`,
      ],
    });
  }
  const {credentials, file, variables} = await implementation.ownProfile(profile.name, host.environment);
  host.warn(`Using the profile "${profile.name}" of ${file}, which is read and never written.`);
  const origins = [...credentials.keys()].map(key => ({key, source: 'provider' as const, file}));
  return {values: credentials, origins, variables};
}

/** Flag, then the provider's environment variable, then the provider's first target. */
export function chooseTarget(
  definition: ProviderDefinition,
  flag: string | undefined,
  environment: Host['environment'],
): TargetDefinition {
  const fromEnvironment = definition.targetVariable === undefined ? undefined : environment[definition.targetVariable];
  const named = flag ?? (fromEnvironment || undefined);
  const target = named === undefined ? definition.targets[0] : definition.targets.find(({name}) => name === named);
  if (target !== undefined) return target;
  const names = definition.targets.map(({name}) => name);
  throw usageError('UNKNOWN_TARGET', `"${named}" is not a target of ${definition.title}.`, {
    provider: definition.name,
    hints: [...didYouMean(named!, names), `Targets: ${names.join(', ')}`],
  });
}
