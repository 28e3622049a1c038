import {stopLocalServer} from '../../../local/index.js';
import {ModalCommand} from '../../../runtime/modal-command.js';

export interface StopData {
  /** Whether one was running. */
  stopped: boolean;
  /** Process id of the server that was stopped. */
  pid: number | null;
}

export default class ModalLocalStop extends ModalCommand<StopData> {
  static override summary = 'Stop Local Modal. What is deployed there stays, and answers again after the next start.';
  static override examples = ['<%= config.bin %> modal local stop'];

  async run(): Promise<StopData> {
    await this.parse(ModalLocalStop);
    const pid = await stopLocalServer(this.surroundings);
    this.show(pid === undefined ? 'Local Modal was not running.' : 'Local Modal has stopped.');
    return {stopped: pid !== undefined, pid: pid ?? null};
  }
}
