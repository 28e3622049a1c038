import type {FlagValues} from '../flags.js';
import type {JsonValue, Spec} from './definition.js';

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
  /** What must be there first, by the provider's names: the volumes that a function mounts. */
  needs?: readonly Need[];
}

export interface Need {
  type: string;
  name: string;
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
  /** For a project that was just read: what its package leaves out, and which rule says so. Folders end with a slash. */
  ignored?: readonly {readonly path: string; readonly by: string}[];
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
  /** The revision that the provider named when it was deployed. */
  revision?: string;
  /** Found live and taken over: its spec is not known until it is deployed from here, unless it has one. */
  adopted?: boolean;
}

/** A resource as it should be. */
export interface DesiredResource extends ResolvedResource {
  /** NAME. */
  resource: string;
  package?: SourcePackage;
  /** This resource as it was deployed before. */
  previous?: ResourceRecord;
}

/** Resources that are published together: of one type, and of one app where the type has apps. */
export interface DeployRequest {
  type: string;
  app?: string;
  resources: readonly DesiredResource[];
  /** The app's other resources, so that a provider that replaces whole apps can keep them. */
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

/** What would happen to one resource. */
export interface Plan {
  action: PlanAction;
  changes: readonly Change[];
  /** What was found out on the way, for people: `Handler: main.handler (async)`. */
  facts: readonly Fact[];
}

export interface GroupPlan {
  /** In the order of the request. */
  resources: readonly Plan[];
  /** What happens to anything else, a sentence each. */
  effects: readonly string[];
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
  /** Opaque: the same as long as nobody published it, or what is published with it, again. */
  revision?: string;
  /** Whatever else is known, for `--json`. */
  details?: {readonly [key: string]: JsonValue};
}
