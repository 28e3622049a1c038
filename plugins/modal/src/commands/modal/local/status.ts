import {factLines} from '@cloudctl/provider-sdk';
import {type LocalStatus, localServerStatus} from '../../../local/index.js';
import {ModalCommand} from '../../../runtime/modal-command.js';

export default class ModalLocalStatus extends ModalCommand<LocalStatus> {
  static override summary = 'Show whether Local Modal runs, and what it holds.';
  static override description = 'Ends with exit code 0 either way.';
  static override examples = ['<%= config.bin %> modal local status', '<%= config.bin %> modal local status --json'];

  async run(): Promise<LocalStatus> {
    await this.parse(ModalLocalStatus);
    const status = await localServerStatus(this.surroundings);
    this.show(
      factLines(
        Object.entries({
          'Local Modal': status.running ? 'running' : 'stopped',
          URL: status.url,
          Process: status.pid,
          Version: status.version,
          Apps: status.apps,
          Functions: status.functions,
          Volumes: status.volumes,
          Containers: status.containers,
          State: status.stateDirectory,
        }),
        true,
      ),
    );
    return status;
  }
}
