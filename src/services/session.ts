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
import {resolveCredentials} from '../credentials/environment.js';
import {Snapshots} from '../ledger/snapshots.js';
import {Ledger} from '../ledger/store.js';

/** What a command lends to the services: the world outside, and where words for people go. */
export interface Host {
  readonly version: string;
  readonly cacheDir: string;
  readonly dataDir: string;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly report: ProgressSink;
  warn(message: string): void;
  debug(message: string): void;
}

export interface SessionOptions {
  /** `--target`. */
  target?: string | undefined;
  /** The operation to come, so that the provider can start what is slow to start. */
  operation: OperationName;
  /** Whether the operation reaches the provider; reading the ledger does not, and needs no credentials. */
  connected: boolean;
}

/** A provider made ready for one command. */
export interface Session {
  readonly host: Host;
  readonly definition: ProviderDefinition;
  readonly implementation: ProviderImplementation;
  readonly context: Context;
  readonly target: TargetDefinition;
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
  const credentials = options.connected ? resolveCredentials(definition, target, host.environment) : new Map();
  const context: Context = {
    signal: host.signal,
    workingDirectory: host.workingDirectory,
    directories: {
      cache: join(host.cacheDir, 'providers', definition.name),
      data: join(host.dataDir, 'providers', definition.name),
    },
    target: target.name,
    credentials,
    environment: host.environment,
    client: {name: 'cloudctl', version: host.version},
    report: host.report,
    warn: host.warn,
    debug: host.debug,
  };
  const implementation = await definition.load();
  if (options.connected) implementation.prepare?.(options.operation, context);
  return {
    host,
    definition,
    implementation,
    context,
    target,
    ledger: new Ledger(join(host.dataDir, 'ledger')),
    snapshots: new Snapshots(join(host.dataDir, 'snapshots')),
    locks: join(host.dataDir, 'locks'),
  };
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
