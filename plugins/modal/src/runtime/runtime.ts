import type {ProgressSink} from '@cloudctl/provider-sdk';
import type {Environment} from './environment.js';

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
