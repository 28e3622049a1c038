import type {FlagValues} from '../flags.js';
import type {JsonValue, Spec} from './definition.js';
import type {Context} from './implementation.js';
import type {Metering} from './metering.js';
import type {DeployRequest, Fact, GroupPlan, Resource, ResourceRecord, ResourceReference} from './resources.js';

export interface DeployOutcome {
  action: 'created' | 'updated' | 'unchanged';
  resource: Resource;
  /** The spec as deployed, where the deployment completed it. */
  spec?: Spec;
  /** ISO 8601, UTC: the time that the deployment itself bears, where it bears one. */
  deployedAt?: string;
}

export interface GroupOutcome {
  /** In the order of the request. */
  resources: readonly DeployOutcome[];
  /** Siblings that were published again as they were, by NAME, with their new revision. */
  siblings: readonly {readonly resource: string; readonly revision: string}[];
}

export interface ObserveRequest {
  type: string;
  /** All that the ledger knows of the apps in question. */
  records: readonly ResourceRecord[];
  /** Apps whose other resources are wanted too, and the provider's names of resources that no record may name yet. */
  apps: readonly string[];
  names: readonly string[];
}

/** How a record and what is live go together. */
export type ObservedStatus = 'deployed' | 'stopped' | 'missing' | 'drifted';

/** Something that is no longer as it was deployed. */
export interface Difference {
  /** `app version`, `volume`. */
  what: string;
  before?: JsonValue;
  after?: JsonValue;
  /** Who changed it and when (ISO 8601, UTC), where the provider tells. */
  by?: string;
  at?: string;
}

export interface Observation {
  /** NAME. */
  resource: string;
  status: ObservedStatus;
  differences: readonly Difference[];
  revision?: string;
}

export interface ObserveOutcome {
  /** In the order of the request. */
  observations: readonly Observation[];
  /** What lives in the apps that were asked for and is in no record. `details.recorded` is true for what CloudCTL deployed from elsewhere. */
  unmanaged: readonly Resource[];
}

export interface AdoptRequest {
  /** NAME that it is to have. */
  resource: string;
  name: string;
  app?: string;
  /** An absolute path where nothing is; its code goes there, where the provider has it. */
  directory: string;
}

export interface AdoptOutcome {
  resource: Resource;
  /** Empty where the provider cannot tell how it was deployed. */
  spec: Spec;
  /** Digest of the code that was put into the directory. */
  digest?: string;
  /** ISO 8601, UTC. */
  deployedAt?: string;
}

/** A project as `cloudctl init` sees it. */
export interface ProjectFiles {
  directory: string;
  /** Relative, `/` between names. */
  files: readonly string[];
}

export interface Discovery {
  /** Resource type of the functions. */
  type: string;
  /** The likeliest first. `handler` is what the type's flag of that name takes. */
  functions: readonly {readonly handler: string; readonly kind: string; readonly summary?: string}[];
  /** What the project says of all its functions, as flags of the type: its Python, its requirements, its app. */
  options: FlagValues;
  /** What the project offers and its owner has to choose, as flags of the type: optional groups of requirements. */
  choices: FlagValues;
  /** What was found, for people: `Python: 3.12 (.python-version)`. */
  facts: readonly Fact[];
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

export interface OperationMethods {
  /** What deploy would change, as far as the request tells. Asks nobody and changes nothing. */
  plan(request: DeployRequest, context: Context): Promise<GroupPlan>;
  /** Brings the resources about, all or none. Progress goes to `context.report`. */
  deploy(request: DeployRequest, context: Context): Promise<GroupOutcome>;
  /** What is live. What cannot be listed is said through `context.warn`. */
  list(request: ListRequest, context: Context): AsyncIterable<Resource>;
  /** Compares what was deployed with what is live. */
  observe(request: ObserveRequest, context: Context): Promise<ObserveOutcome>;
  /**
   * Finds what somebody else deployed, so that it can be followed from here.
   *
   * @throws CloudError with exit code 3 where nothing of that name is live.
   */
  adopt(request: AdoptRequest, context: Context): Promise<AdoptOutcome>;
  /** Runs the function once; yields the values of a generator as they come. */
  call(request: CallRequest, context: Context): AsyncGenerator<JsonValue, CallOutcome>;
  destroy(reference: ResourceReference, context: Context): Promise<void>;
  /** Pure: reads nothing but the record. */
  meter(record: ResourceRecord): Metering;
}
