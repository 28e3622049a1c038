import type {FlagDefinitions} from '../flags.js';
import type {ProviderImplementation} from './implementation.js';
import type {ResourceReference} from './resources.js';

/** Raised when a plugin written for an older core could no longer work. */
export const CONTRACT_VERSION = 1;

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | {readonly [key: string]: JsonValue};

/** The desired state of a resource: JSON without credentials, the same for the same flags. */
export type Spec = {readonly [key: string]: JsonValue};

/** Where a provider can deploy to: its cloud, or something that stands in for it. */
export interface TargetDefinition {
  name: string;
  summary: string;
  /** Whether the user's credentials are needed, and then given. */
  credentials: boolean;
}

/** One secret that the provider needs, as data: the core asks for it, keeps it and hands it over. */
export interface CredentialDefinition {
  key: string;
  /** The environment variable in which the provider's own tools look for it. */
  variable: string;
  title: string;
  /** What every right value begins with, to notice two values that were swapped. */
  prefix?: string;
}

export interface Supported {
  readonly supported: true;
}

/** An operation that is refused on purpose. */
export interface Unsupported {
  readonly supported: false;
  readonly reason: string;
  /** What to do instead, for this very resource; each a sentence or a command. */
  nextSteps(resource: ResourceReference): readonly string[];
}

export const OPERATIONS = ['plan', 'deploy', 'list', 'observe', 'adopt', 'call', 'destroy', 'meter'] as const;
export type OperationName = (typeof OPERATIONS)[number];
export type OperationDeclarations = Readonly<Record<OperationName, Supported | Unsupported>>;

export interface ResourceTypeDefinition {
  /** Singular, as it reads in a sentence: `function`. */
  title: string;
  summary: string;
  /** The resource has local code: the core packages the project directory and keeps a snapshot. */
  source: boolean;
  /** A NAME for `cloudctl init` to write in a comment, the one that examples of other types' flags speak of. */
  exampleName?: string;
  /** Flags of `deploy` for this type. */
  flags: FlagDefinitions;
  operations: OperationDeclarations;
}

export type ResourceTypes = Readonly<Record<string, ResourceTypeDefinition>>;

/** What the core knows of a provider before it needs it: small, and free of heavy imports. */
export interface ProviderDefinition<R extends ResourceTypes = ResourceTypes> {
  contract: typeof CONTRACT_VERSION;
  name: string;
  title: string;
  summary: string;
  /** The first is the default. */
  targets: readonly [TargetDefinition, ...TargetDefinition[]];
  /** Environment variable that stands in for `--target`. */
  targetVariable?: string;
  /** Environment variable that chooses the provider's own environment; `environment:` in `cloudctl.yaml` sets it. */
  environmentVariable?: string;
  credentials: readonly CredentialDefinition[];
  resources: R;
  /** Imports the working part. Called once, and only when an operation needs it. */
  load(): Promise<ProviderImplementation<R>>;
}
