import {factLines} from '@cloudctl/provider-sdk';
import {ensureLocalServer, type LocalStatus, localServerStatus} from '../../../local/index.js';
import {ModalCommand} from '../../../runtime/modal-command.js';
import {ensureRuntime} from '../../../runtime/runtime.js';

export default class ModalLocalStart extends ModalCommand<LocalStatus> {
  static override summary = 'Start Local Modal, a server on this machine that stands in for Modal.';
  static override description = `Does nothing when it runs already. Commands with --target local start it by themselves.

It goes on in the background, and keeps its state and its ports when it is stopped.`;
  static override examples = [
    '<%= config.bin %> modal local start',
    '<%= config.bin %> deploy ai hello --provider modal --target local',
  ];

  async run(): Promise<LocalStatus> {
    await this.parse(ModalLocalStart);
    const {surroundings} = this;
    await ensureLocalServer({...surroundings, runtime: () => ensureRuntime(surroundings)});
    const status = await localServerStatus(surroundings);
    this.show(
      factLines(
        Object.entries({'Local Modal': 'running', URL: status.url, Process: status.pid, State: status.stateDirectory}),
        true,
      ),
    );
    return status;
  }
}
