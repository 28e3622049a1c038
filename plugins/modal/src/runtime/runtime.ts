import type {ProgressSink} from '@cloudctl/provider-sdk';
import type {Environment} from './environment.js';
import {checkAborted} from './wait.js';

/** An interpreter in which `import modal` works. */
export interface PythonRuntime {
  /** Absolute path of the interpreter itself, never of a shim. */
  readonly python: string;
  /** `named`: the user's own, by `CLOUDCTL_MODAL_PYTHON`. */
  readonly source: 'private' | 'named';
}

export interface RuntimeOptions {
  /** The provider's own directories; made as needed. */
  readonly directories: {readonly cache: string; readonly data: string};
  readonly environment: Environment;
  readonly report?: ProgressSink | undefined;
  readonly debug?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds, or builds, the Python that has Modal's SDK.
 *
 * `CLOUDCTL_MODAL_PYTHON` names one; else the plugin has an environment of its own below the data directory. Where it
 * is ready this costs two small reads and starts no process.
 *
 * @throws CloudError exit 7 with the command that mends it; exit 130 when the signal is aborted.
 */
export async function ensureRuntime(options: RuntimeOptions): Promise<PythonRuntime> {
  checkAborted(options.signal);
  const named = options.environment['CLOUDCTL_MODAL_PYTHON'];
  if (named) {
    const {namedRuntime} = await import('./named-python.js');
    return namedRuntime(named, options);
  }
  const {privateRuntime} = await import('./private-python.js');
  return privateRuntime(options);
}

/** Builds the private environment anew, whether there is one or not. */
export async function rebuildRuntime(options: RuntimeOptions): Promise<PythonRuntime> {
  const {privateRuntime} = await import('./private-python.js');
  return privateRuntime(options, true);
}
