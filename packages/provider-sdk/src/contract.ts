import type {FlagDefinitions, FlagValues} from './flags.js';
import type {ProgressSink} from './progress.js';
import type {Secret} from './secret.js';

/** Raised when a plugin written for an older core could no longer work. */
export const CONTRACT_VERSION = 1;

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | {readonly [key: string]: JsonValue};

/** The desired state of a resource: JSON without credentials, the same for the same flags. */
export type Spec = {readonly [key: string]: JsonValue};

// ------------------------------------------------------------------------------------------------ definition (light)

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

export const OPERATIONS = ['plan', 'deploy', 'list', 'call', 'destroy', 'meter'] as const;
export type OperationName = (typeof OPERATIONS)[number];
export type OperationDeclarations = Readonly<Record<OperationName, Supported | Unsupported>>;

export interface ResourceTypeDefinition {
  /** Singular, as it reads in a sentence: `function`. */
  title: string;
  summary: string;
  /** The resource has local code: the core packages the project directory and keeps a snapshot. */
  source: boolean;
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
  credentials: readonly CredentialDefinition[];
  resources: R;
  /** Imports the working part. Called once, and only when an operation needs it. */
  load(): Promise<ProviderImplementation<R>>;
}

// ---------------------------------------------------------------------------------------------- implementation (lazy)

/** A handler has exactly the methods of the operations that its type declares as supported. */
export type ResourceHandler<D extends ResourceTypeDefinition> = ResourceResolver & {
  readonly [O in OperationName as D['operations'][O] extends Unsupported ? never : O]: OperationMethods[O];
};

export interface ProviderImplementation<R extends ResourceTypes = ResourceTypes> {
  readonly resources: {readonly [T in keyof R]: ResourceHandler<R[T]>};
  /** Whose resources the context reaches. Local targets answer without a connection. */
  scope(context: Context): Promise<Scope>;
  /** A hint that an operation comes: start what is slow to start. Must not throw. */
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

export interface ResolveInput {
  /** NAME, CloudCTL's own name of the resource. */
  resource: string;
  /** `--name`, the provider's name, where it was given. */
  name?: string;
  options: FlagValues;
  /** Absolute; the project directory of a type with source. */
  sourceDirectory: string;
}

/** Flags made whole: defaults applied, values checked, nothing looked up. */
export interface ResolvedResource {
  name: string;
  /** What is published together and replaces each other as a whole: Modal's app. */
  app?: string;
  spec: Spec;
}

export interface ResourceResolver {
  /**
   * Turns flags into a spec. Touches no network and no file but those that it names.
   *
   * @throws CloudError with exit code 2 for values that cannot be meant.
   */
  resolve(input: ResolveInput): Promise<ResolvedResource>;
}

/** An immutable copy of the project, addressed by its content. */
export interface SourcePackage {
  /** `sha256:` and 64 hexadecimal digits. */
  digest: string;
  /** Absolute path of the copy. Never written to. */
  directory: string;
  files: number;
  /** Sum of the files' sizes. */
  bytes: number;
}

export interface ResourceReference {
  type: string;
  /** NAME. */
  resource: string;
  name: string;
  app?: string;
  id?: string;
  dashboardUrl?: string;
  target: string;
}

/** What the ledger knows of a deployed resource. */
export interface ResourceRecord extends ResourceReference {
  id: string;
  spec: Spec;
  package?: SourcePackage;
  url?: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  deployedAt: string;
}

export interface DeployRequest extends ResolvedResource {
  type: string;
  resource: string;
  package?: SourcePackage;
  /** This resource as it was deployed before. */
  previous?: ResourceRecord;
  /** The other resources of the same app, so that a provider that replaces whole apps can keep them. */
  siblings: readonly ResourceRecord[];
  /** Drop what is live in the app but known to nobody. */
  replace: boolean;
}

export interface Change {
  field: string;
  before?: JsonValue;
  after?: JsonValue;
}

export type PlanAction = 'create' | 'update' | 'replace' | 'none';

export interface Plan {
  action: PlanAction;
  changes: readonly Change[];
  /** What happens to anything else, a sentence each. */
  effects: readonly string[];
  /** What was found out on the way, for people: `Handler: main.handler (async)`. */
  facts: readonly Fact[];
}

export interface Fact {
  label: string;
  value: string;
}

export interface Resource {
  id: string;
  /** The provider's name. */
  name: string;
  type: string;
  status: string;
  app?: string;
  /** Where the function answers; never a dashboard. */
  url?: string;
  dashboardUrl?: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** Whatever else is known, for `--json`. */
  details?: {readonly [key: string]: JsonValue};
}

export interface DeployOutcome {
  action: 'created' | 'updated' | 'unchanged';
  resource: Resource;
  /** The spec as deployed, where the deployment completed it. */
  spec?: Spec;
  /** ISO 8601, UTC: the time that the deployment itself bears, where it bears one. */
  deployedAt?: string;
}

export interface ListRequest {
  type: string;
}

export interface CallRequest {
  record?: ResourceRecord;
  /** The provider's names, for what is not in the ledger. */
  name: string;
  app?: string;
  /** Absent where the caller gave no input, which is not the same as `null`. */
  input?: {value: JsonValue};
}

export interface CallOutcome {
  /** `items` for a generator, whose values were yielded. */
  kind: 'value' | 'items';
  value: JsonValue;
}

/** What a resource consumes while it exists, in the provider's billing dimensions. */
export interface Usage {
  /** Key of the price list. */
  rate: string;
  label: string;
  /** Decimal, in `unit`. */
  quantity: string;
  unit: string;
  per: 'hour' | 'month';
}

export interface Metering {
  /** What is shown about the resource: `Runtime: vCPU-Hour`, `Size: 100 GB`. */
  facts: readonly Fact[];
  usage: readonly Usage[];
}

export interface Rate {
  /** Decimal, in the list's currency for one `unit` and `per`. */
  price: string;
  unit: string;
  per: 'hour' | 'month';
  note?: string;
}

export interface PriceList {
  version: string;
  /** `YYYY-MM-DD`: the day on which the prices were read. */
  date: string;
  currency: string;
  source: string;
  rates: {readonly [key: string]: Rate};
}

export interface OperationMethods {
  /** What deploy would change. Changes nothing. */
  plan(request: DeployRequest, context: Context): Promise<Plan>;
  /** Brings the resource about. Progress goes to `context.report`. */
  deploy(request: DeployRequest, context: Context): Promise<DeployOutcome>;
  /** What is live. What cannot be listed is said through `context.warn`. */
  list(request: ListRequest, context: Context): AsyncIterable<Resource>;
  /** Runs the function once; yields the values of a generator as they come. */
  call(request: CallRequest, context: Context): AsyncGenerator<JsonValue, CallOutcome>;
  destroy(reference: ResourceReference, context: Context): Promise<void>;
  /** Pure: reads nothing but the record. */
  meter(record: ResourceRecord): Metering;
}

// ------------------------------------------------------------------------------------------------------------- views

export interface Terminal {
  columns: number;
  color: boolean;
}

export interface ListedResource extends Resource {
  /** NAME, where the ledger knows it. */
  resource?: string;
}

export interface ListView {
  title: string;
  resources: readonly ListedResource[];
  /** Said where there is nothing to show. */
  empty: string;
}

export interface CostLine {
  label: string;
  value: string;
}

export interface CostBlock {
  resource: string;
  type: string;
  lines: readonly CostLine[];
  /** Why there is no price. */
  problem?: string;
}

export interface CostView {
  provider: string;
  blocks: readonly CostBlock[];
  total: readonly CostLine[];
  /** Where the prices come from and how old they are. */
  source: string;
}

/** Drawings for a terminal. Each returns the finished text; the core writes it. */
export interface Views {
  list?(view: ListView, terminal: Terminal): Promise<string>;
  cost?(view: CostView, terminal: Terminal): Promise<string>;
}
