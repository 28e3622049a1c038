import {ensureLocalServer, exportLines, localVariables} from '../../../local/index.js';
import {ModalCommand} from '../../../runtime/modal-command.js';
import {ensureRuntime} from '../../../runtime/runtime.js';

export interface EnvData {
  /** Tokens of Local Modal only; they are good for nothing else. */
  variables: Record<string, string>;
}

export default class ModalLocalEnv extends ModalCommand<EnvData> {
  static override summary = "Print the environment in which Modal's own tools use Local Modal.";
  static override description = 'Starts Local Modal if it does not run. Lines for a POSIX shell to evaluate.';
  static override examples = [
    {
      description: "Use Modal's own command against Local Modal",
      command: 'eval "$(<%= config.bin %> modal local env)" && modal app list',
    },
  ];

  async run(): Promise<EnvData> {
    await this.parse(ModalLocalEnv);
    const {surroundings} = this;
    const server = await ensureLocalServer({...surroundings, runtime: () => ensureRuntime(surroundings)});
    const variables = localVariables(server, surroundings.directories);
    // A profile of the user's would be looked for in the file that is not there.
    const unset = process.env['MODAL_PROFILE'] ? '\nunset MODAL_PROFILE' : '';
    this.show(`${exportLines(variables)}${unset}`);
    return {variables};
  }
}
