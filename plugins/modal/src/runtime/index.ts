/** Finding or building the Python environment, and what other parts share about processes. */
export {absentConfigPath, childEnvironment, type Environment} from './environment.js';
export {packageRoot, packageVersion, pythonFolder} from './package-root.js';
export {Redactor, redactUrls} from './redact.js';
export {ensureRuntime, type PythonRuntime, type RuntimeOptions, rebuildRuntime} from './runtime.js';
