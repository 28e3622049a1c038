import type {ProgressSink} from '../progress.js';
import type {Secret} from '../secret.js';
import type {OperationName, ResourceTypeDefinition, ResourceTypes, Unsupported} from './definition.js';
import type {PriceList} from './metering.js';
import type {Discovery, OperationMethods, ProjectFiles} from './operations.js';
import type {ResourceResolver} from './resources.js';
import type {Views} from './views.js';

/** A handler has exactly the methods of the operations that its type declares as supported. */
export type ResourceHandler<D extends ResourceTypeDefinition> = ResourceResolver & {
  readonly [O in OperationName as D['operations'][O] extends Unsupported ? never : O]: OperationMethods[O];
};

export interface ProviderImplementation<R extends ResourceTypes = ResourceTypes> {
  readonly resources: {readonly [T in keyof R]: ResourceHandler<R[T]>};
  /** Whose resources the context reaches. Local targets answer without a connection. */
  scope(context: Context): Promise<Scope>;
  /**
   * A hint that an operation comes: start what is slow to start. `observe` says that perhaps nothing else does, and may
   * be followed by another. Must not throw.
   */
  prepare?(operation: OperationName, context: Context): void;
  /**
   * Asks the provider whose credentials the context has.
   *
   * @throws CloudError with exit code 4 where the provider does not accept them, 7 where it cannot be reached.
   */
  verify?(context: Context): Promise<Identity>;
  /**
   * Reads a profile of the provider's own configuration (`--profile PROVIDER:NAME`), and never writes there.
   *
   * @throws CloudError with exit code 3 where there is none of that name.
   */
  ownProfile?(name: string, environment: Context['environment']): Promise<OwnProfile>;
  /** Looks at a project for what could be deployed from it. Touches nothing but its files. */
  discover?(project: ProjectFiles, context: Context): Promise<Discovery>;
  /** The price list that ships with the plugin. */
  prices(): Promise<PriceList>;
  readonly views?: Views;
  /** Ends children and connections. Safe to call twice. */
  dispose(): Promise<void>;
}

/** Whose credentials they are, as the provider itself says; what it does not say is absent. */
export interface Identity {
  workspace?: string;
  environment?: string;
  tokenName?: string;
  user?: string;
  /** ISO 8601, UTC. */
  expiresAt?: string;
}

/** A set of credentials from the provider's own configuration. */
export interface OwnProfile {
  /** By key. */
  credentials: ReadonlyMap<string, Secret>;
  /** Where it was read, for people. */
  file: string;
  /** Variables that go with it, such as an address; the user's own go before them. */
  variables: Readonly<Record<string, string>>;
}

/** What identifies an account: ledger records of different scopes never mix. */
export interface Scope {
  workspace: string;
  environment: string;
}

export interface Context {
  /** Aborted by Ctrl-C and by a deadline. */
  readonly signal: AbortSignal;
  readonly workingDirectory: string;
  /** The provider's own, created on demand by the provider. */
  readonly directories: {readonly cache: string; readonly data: string};
  readonly target: string;
  /** By key; empty for a target that needs none. */
  readonly credentials: ReadonlyMap<string, Secret>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The program that deploys, recorded with the deployment. */
  readonly client: {readonly name: string; readonly version: string};
  readonly report: ProgressSink;
  /** Something the user should know that does not stop the work. */
  warn(message: string): void;
  debug(message: string): void;
}
