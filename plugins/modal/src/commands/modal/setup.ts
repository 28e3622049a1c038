import {factLines, usageError} from '@cloudctl/provider-sdk';
import * as Flags from '@oclif/core/flags';
import {Bridge} from '../../bridge/index.js';
import {stopLocalServer} from '../../local/index.js';
import {ModalCommand} from '../../runtime/modal-command.js';
import {ensureRuntime, rebuildRuntime} from '../../runtime/runtime.js';

export interface SetupData {
  /** Absolute path of the interpreter. */
  python: string;
  /** `named`: the one in `CLOUDCTL_MODAL_PYTHON`. */
  source: 'private' | 'named';
  pythonVersion: string;
  sdkVersion: string | null;
}

export default class ModalSetup extends ModalCommand<SetupData> {
  static override summary = 'Build the Python environment for Modal ahead of time.';
  static override description = `The first command that needs Modal does the same, once.

CLOUDCTL_PYTHON names the Python to build it from, CLOUDCTL_MODAL_PYTHON one that has Modal's package already.`;
  static override examples = ['<%= config.bin %> modal setup', '<%= config.bin %> modal setup --rebuild'];
  static override flags = {
    rebuild: Flags.boolean({summary: 'Build it anew, for example when it is damaged. Stops Local Modal.'}),
  };

  async run(): Promise<SetupData> {
    const {flags} = await this.parse(ModalSetup);
    const runtime = flags.rebuild ? await this.#rebuild() : await ensureRuntime(this.surroundings);
    const {name, version} = this.config;
    const bridge = new Bridge({
      runtime: async () => runtime,
      connection: () => Promise.reject(new Error('not needed')),
      client: {name, version},
      debug: message => this.debug(message),
    });
    try {
      const {python: pythonVersion, sdk} = await bridge.hello({signal: this.signal});
      this.show(factLines(Object.entries({Python: pythonVersion, Modal: sdk, Path: runtime.python}), true));
      return {...runtime, pythonVersion, sdkVersion: sdk ?? null};
    } finally {
      await bridge.close();
    }
  }

  async #rebuild() {
    if (process.env['CLOUDCTL_MODAL_PYTHON']) {
      throw usageError('NOTHING_TO_BUILD', 'CLOUDCTL_MODAL_PYTHON names a Python that is not CloudCTL’s to build.', {
        hints: ['Unset CLOUDCTL_MODAL_PYTHON, then run: cloudctl modal setup --rebuild'],
      });
    }
    await stopLocalServer(this.surroundings);
    return rebuildRuntime(this.surroundings);
  }
}
