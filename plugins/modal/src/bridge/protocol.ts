import type {JsonValue} from '@cloudctl/provider-sdk';

/** The version of `protocol/README.md` that this side speaks. */
export const PROTOCOL_VERSION = 1;

export interface Parameter {
  name: string;
  kind: 'positional' | 'keyword' | 'varPositional' | 'varKeyword';
  required: boolean;
}

/** A handler as its source shows it; nothing is imported to find out. */
export interface Signature {
  module: string;
  attribute: string;
  /** Relative to the inspected directory. */
  file: string;
  line: number;
  /** `unknown`: the name is imported or assigned, so that only running the module would tell. */
  kind: 'sync' | 'async' | 'generator' | 'asyncGenerator' | 'unknown';
  parameters: Parameter[];
  /** The project has a src layout: that folder is on the module path too, behind the package itself. */
  root?: 'src';
}

export type Image =
  | {kind: 'modal'; python: string}
  | {kind: 'registry'; reference: string; python?: string | null | undefined};

/** One function to deploy. An optional field that is absent or `null` leaves the choice to Modal. */
export interface FunctionRequest {
  name: string;
  /** `module.attribute`. */
  handler: string;
  package: {digest: string; directory: string};
  image: Image;
  /** Path inside the package: a requirements file, pyproject.toml or uv.lock. */
  requirements?: string | null | undefined;
  /** Optional dependencies of that file. */
  extras?: readonly string[] | null | undefined;
  /** Cores. */
  cpu: number;
  /** MiB. */
  memory: number;
  gpu?: string | null | undefined;
  /** Seconds. */
  timeout: number;
  minContainers?: number | null | undefined;
  maxContainers?: number | null | undefined;
  /** Seconds. */
  scaledownWindow?: number | null | undefined;
  env?: Readonly<Record<string, string>> | null | undefined;
  volumes?: readonly {name: string; path: string}[] | null | undefined;
  /** Names of Modal secrets. */
  secrets?: readonly string[] | null | undefined;
  /** Cron, or `every 5m`. */
  schedule?: string | null | undefined;
  url: 'private' | 'public' | 'none';
  /** CloudCTL's record of the resource, which travels with the deployment. */
  spec?: JsonValue | undefined;
  /** For a neighbour: when it was deployed, as an earlier result said. A newer record beside the deployment wins. */
  deployedAt?: string | undefined;
}

export interface DeployedFunction {
  name: string;
  id: string;
  url?: string;
  /** Id of the HTTP companion. */
  httpId?: string;
  dashboardUrl: string;
  signature: Signature;
}

/** A function as CloudCTL's own record beside the deployment has it. */
export interface ManagedFunction {
  name: string;
  digest: string;
  spec?: JsonValue;
  deployedAt: string;
  functionId: string;
  client: string;
}

export interface LiveFunction {
  name: string;
  id: string;
  url?: string;
  /** Whether CloudCTL's record beside the deployment knows it. */
  managed: boolean;
}

export interface ListedFunction {
  id: string;
  name: string;
  app: string;
  appId: string;
  status: string;
  createdAt: string;
  url?: string;
  dashboardUrl: string;
  /** The app's. */
  version?: number;
  deployedAt?: string;
  deployedBy?: string;
}

export interface ListedVolume {
  id: string;
  name: string;
  createdAt: string;
  createdBy?: string;
}

/** What is live of an app. */
export interface ObservedApp {
  app: string;
  appId?: string;
  state: 'deployed' | 'stopped' | 'absent';
  /** Counts every publish. */
  version?: number;
  deployedAt?: string;
  deployedBy?: string;
  stoppedAt?: string;
  stoppedBy?: string;
  /** The version of Modal's SDK that published it. */
  client?: string;
  /** CloudCTL published the live version, it is no rollback, and the records beside the deployment have it. */
  ours: boolean;
  /** CloudCTL published it and was interrupted before it could record it: what lives may be newer than `managed`. */
  unrecorded?: boolean;
  /** The version that Modal went back to. */
  rolledBackTo?: number;
  functions: LiveFunction[];
  managed: ManagedFunction[];
}

/** An app as the ledger last saw it. */
export interface KnownApp {
  app: string;
  appId: string;
  version: number;
  /** Names of the functions that the ledger has. */
  functions: readonly string[];
}

export interface ObservedVolume {
  name: string;
  /** Absent: there is no such volume. */
  id?: string;
  createdAt?: string;
  createdBy?: string;
}

/** A file or folder that the package leaves out. */
export interface IgnoredPath {
  /** Relative to the project; a folder ends with `/`. */
  path: string;
  /** Where the rule is. */
  by: string;
}

/** A module of the project, as the handler imports it. */
export interface LocalModule {
  name: string;
  /** Relative to the project. */
  file: string;
}

/** A module that would be missing in the container. */
export interface MissingModule {
  module: string;
  /** The file that imports it, and where. */
  file: string;
  line: number;
  reason: 'absent' | 'ignored' | 'outside';
  /** Where it is: what the package leaves out, or a place outside of the project. */
  path?: string;
  /** Where the rule is that leaves it out. */
  by?: string;
}

/** A function that looks like a handler. */
export interface HandlerCandidate {
  /** `module.attribute`. */
  handler: string;
  file: string;
  line: number;
  kind: Signature['kind'];
  /** First line of its docstring. */
  summary?: string;
}

type None = Record<string, never>;

/** Params and result of every method of the protocol. */
export interface Methods {
  hello: {
    params: {protocol: number; client: string /** As the method `warm`. */; warm?: boolean};
    result: {
      protocol: number /** Absent: the SDK is not installed. */;
      sdk?: string;
      python: string;
      capabilities: string[];
    };
  };
  inspect: {params: {directory: string; handler: string}; result: Signature};
  examine: {
    params: {
      /** The project, or a snapshot of it. */
      directory: string;
      handler: string;
      /** The version that the function will run with: `3.11`. */
      python: string;
      /** Path in the package: a requirements file, pyproject.toml or uv.lock. */
      requirements?: string | null | undefined;
      extras?: readonly string[] | null | undefined;
      /** What the package leaves out; only folders and .py files matter. */
      ignored?: readonly IgnoredPath[] | null | undefined;
      /** The image may bring packages that no requirements name. */
      imageBrings?: boolean | null | undefined;
    };
    /** `modules`: the project's own that the handler imports, and the handler's, by name. */
    result: {signature: Signature; modules: LocalModule[]; warnings: string[]};
  };
  discover: {
    params: {directory: string /** Paths in the package. */; files: readonly string[]};
    result: {
      /** Best first, at most 10. */
      handlers: HandlerCandidate[];
      requirements?: string;
      /** Names of the optional dependencies. */
      extras: string[];
      /** `3.12` */
      python?: string;
      /** The file that says so. */
      pythonFrom?: string;
    };
  };
  /** Imports the SDK ahead of the first method that needs it. */
  warm: {params: None; result: None};
  /** Which version of each app is live, without the SDK; `observe` knows more, and is the way where this fails. */
  versions: {
    params: {apps: readonly string[]};
    result: {apps: {app: string; appId?: string; state: ObservedApp['state']; version?: number}[]};
  };
  whoami: {
    params: None;
    result: {workspace: string; environment: string; tokenName?: string; user?: string; expiresAt?: string};
  };
  deployApp: {
    params: {
      app: string;
      functions: readonly FunctionRequest[];
      /** What the user asked for: at least one, each the name of one of the functions. */
      targets: readonly string[];
      /** Targets that the ledger knows, so that they may be overwritten. */
      known?: readonly string[] | null | undefined;
      /** Drop or overwrite live functions that CloudCTL does not know. */
      replace?: boolean;
      client: string;
    };
    result: {
      appId: string;
      dashboardUrl: string;
      /** The app's, after the publish; absent where Modal does not tell. */
      version?: number;
      functions: DeployedFunction[];
      /** Names that were deployed again from the deployment's own records. */
      carried: string[];
      /** The time that the records bear; kept, and sent for the function when it is a neighbour. */
      deployedAt?: string;
      warnings: string[];
    };
  };
  layout: {
    params: {app: string};
    result: {appId?: string; functions: LiveFunction[]; managed: ManagedFunction[]; warnings?: string[]};
  };
  observe: {
    params: {
      apps?: readonly string[] | null | undefined;
      volumes?: readonly string[] | null | undefined;
      /** An app that is still as the ledger last saw it needs no closer look: history and records are not read. */
      known?: readonly KnownApp[] | null | undefined;
    };
    result: {apps: ObservedApp[]; volumes: ObservedVolume[]; warnings: string[]};
  };
  fetchPackage: {
    /** `directory` is absolute, and must not exist or be empty. */
    params: {app: string; digest: string; directory: string};
    result: {files: number; bytes: number};
  };
  listFunctions: {params: None; result: {functions: ListedFunction[]; warnings: string[]}};
  listVolumes: {params: None; result: {volumes: ListedVolume[]; warnings: string[]}};
  createVolume: {
    params: {name: string};
    result: {
      id: string;
      name: string /** False: it existed. */;
      created: boolean;
      createdAt: string;
      dashboardUrl: string;
    };
  };
  call: {
    params: {
      app: string;
      function: string;
      hasInput: boolean;
      input?: JsonValue | undefined;
      signature?: Signature | null | undefined;
    };
    result: {value: JsonValue /** Only for a generator: how many items came. */; items?: number};
  };
}

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M]['params'];
export type Result<M extends Method> = Methods[M]['result'];

export interface Progress {
  stage: 'connect' | 'image' | 'upload' | 'function' | 'publish' | 'record';
  state: 'running' | 'done';
  message: string;
  /** One line of an image build. */
  log?: string;
}

export const ERROR_CODES = [
  ...['PROTOCOL', 'UNKNOWN_METHOD', 'INVALID_PARAMS', 'CANCELLED', 'INTERNAL'],
  ...[
    'HANDLER_NOT_FOUND',
    'SYNTAX_ERROR',
    'DEFINES_MODAL_APP',
    'MODULE_MISSING',
    'UNREACHABLE',
    'AUTH',
    'PERMISSION',
    'NOT_FOUND',
  ],
  ...['INVALID', 'CONFLICT', 'LIMIT', 'FOREIGN_FUNCTIONS', 'IMAGE_BUILD', 'REMOTE_EXCEPTION', 'REMOTE_TIMEOUT'],
  ...['NOT_JSON', 'BAD_INPUT', 'PROVIDER'],
] as const;

/** An error as the child sends it. */
export interface ChildError {
  code: string;
  message: string;
  data?: Record<string, unknown>;
}

interface MethodTraits {
  /** Talks to Modal, and so needs the connection. */
  remote: boolean;
  /** May be sent again after the child died in the middle. */
  idempotent: boolean;
  /** Milliseconds until the request is given up, from the moment at which it is sent. */
  deadline: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** What the bridge knows of each method. The child itself says UNREACHABLE after 8 seconds; these catch the rest. */
export const METHODS: Readonly<Record<Method, MethodTraits>> = {
  hello: {remote: false, idempotent: true, deadline: 30 * SECOND},
  inspect: {remote: false, idempotent: true, deadline: 30 * SECOND},
  examine: {remote: false, idempotent: true, deadline: MINUTE},
  discover: {remote: false, idempotent: true, deadline: MINUTE},
  warm: {remote: false, idempotent: true, deadline: 30 * SECOND},
  versions: {remote: true, idempotent: true, deadline: 10 * SECOND},
  whoami: {remote: true, idempotent: true, deadline: 30 * SECOND},
  layout: {remote: true, idempotent: true, deadline: MINUTE},
  observe: {remote: true, idempotent: true, deadline: MINUTE},
  // Packages may be large, and the network slow.
  fetchPackage: {remote: true, idempotent: true, deadline: 30 * MINUTE},
  listFunctions: {remote: true, idempotent: true, deadline: 2 * MINUTE},
  listVolumes: {remote: true, idempotent: true, deadline: 2 * MINUTE},
  createVolume: {remote: true, idempotent: false, deadline: MINUTE},
  // Images with GPU libraries take many minutes to build.
  deployApp: {remote: true, idempotent: false, deadline: 120 * MINUTE},
  // The longest that a function may run on Modal.
  call: {remote: true, idempotent: false, deadline: 24 * 60 * MINUTE},
};
