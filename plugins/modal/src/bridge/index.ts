/** The bridge to the Python child. Nothing else of this folder is for the rest of the plugin. */
export {Bridge, type BridgeOptions, type Connection, type RequestOptions} from './bridge.js';
export type {
  DeployedFunction,
  FunctionRequest,
  HandlerCandidate,
  IgnoredPath,
  Image,
  KnownApp,
  ListedFunction,
  ListedVolume,
  LiveFunction,
  LocalModule,
  ManagedFunction,
  Method,
  MissingModule,
  ObservedApp,
  ObservedVolume,
  Params,
  Progress,
  Result,
  Signature,
} from './protocol.js';
