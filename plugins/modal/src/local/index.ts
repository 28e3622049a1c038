/** Local Modal: the server on loopback that stands in for Modal's cloud. */
export {type LocalStatus, localServerStatus, type ManageOptions, resetLocalServer, stopLocalServer} from './manage.js';
export {ensureLocalServer, type LocalOptions, type LocalServer} from './server.js';
export {exportLines, localVariables} from './variables.js';
