/** The bridge to the Python child. Nothing else of this folder is for the rest of the plugin. */
export {Bridge, type BridgeOptions, type Connection, type RequestOptions} from './bridge.js';
export type {
  DeployedFunction,
  FunctionRequest,
  Image,
  ListedFunction,
  ListedVolume,
  LiveFunction,
  ManagedFunction,
  Method,
  Params,
  Progress,
  Result,
  Signature,
} from './protocol.js';
