import {usageError} from '@cloudctl/provider-sdk';
import {isTerminal} from '@cloudctl/provider-sdk/oclif';
import * as Flags from '@oclif/core/flags';
import {confirm} from '../../../local/confirm.js';
import {forgetLocalRecords} from '../../../local/forget.js';
import {localServerStatus, resetLocalServer} from '../../../local/index.js';
import {ModalCommand} from '../../../runtime/modal-command.js';

export interface ResetData {
  /** False: the question was answered with no. */
  reset: boolean;
  stateDirectory: string;
  /** Records that the core has forgotten; null where it could not. */
  forgotten: number | null;
}

export default class ModalLocalReset extends ModalCommand<ResetData> {
  static override summary = 'Stop Local Modal and delete all that it holds.';
  static override description =
    `Apps, volumes, secrets, ports and tokens go, and CloudCTL forgets its records of the target "local".
Nothing in Modal's cloud is touched.`;
  static override examples = ['<%= config.bin %> modal local reset', '<%= config.bin %> modal local reset --yes'];
  static override flags = {
    yes: Flags.boolean({char: 'y', summary: 'Do not ask.'}),
  };

  async run(): Promise<ResetData> {
    const {flags} = await this.parse(ModalLocalReset);
    const {stateDirectory} = await localServerStatus(this.surroundings);
    if (!flags.yes && !(await this.#ask(stateDirectory))) {
      this.show('Nothing was deleted.');
      return {reset: false, stateDirectory, forgotten: null};
    }
    await resetLocalServer(this.surroundings);
    this.show(`Local Modal is empty: ${stateDirectory} was deleted.`);
    const forgotten = await forgetLocalRecords(this.config, this.jsonEnabled());
    if (forgotten === undefined) this.addWarning('CloudCTL still has its records of the target "local".');
    return {reset: true, stateDirectory, forgotten: forgotten ?? null};
  }

  async #ask(stateDirectory: string): Promise<boolean> {
    if (this.jsonEnabled() || !isTerminal(process.stderr) || !process.stdin.isTTY) {
      throw usageError('CONFIRMATION_NEEDED', `This deletes ${stateDirectory} and cannot be undone.`, {
        hints: ['Do it: cloudctl modal local reset --yes'],
      });
    }
    return confirm(`Delete everything in Local Modal (${stateDirectory})?`, this.signal);
  }
}
