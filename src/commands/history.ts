import * as Args from '@oclif/core/args';
import {LedgerCommand, ledgerFilters, nameArgument, typeArgument} from '../command-line/ledger-command.js';
import {historyText, otherPlaces} from '../presentation/history.js';
import {type HistoryEntry, readHistory} from '../services/history.js';
import type {RecordKey} from '../services/ledger.js';
import {keyOf} from '../services/ledger-transfer.js';

export interface HistoryData extends RecordKey {
  /** Newest first. */
  deployments: readonly HistoryEntry[];
}

export default class History extends LedgerCommand<HistoryData> {
  static override summary = 'Show what was deployed under a NAME, newest first, and what each deployment changed.';
  static override description =
    'As the ledger of this machine remembers it: the last 20 deployments. Where several targets or environments have that NAME, it is the newest of them.';
  static override examples = [
    '<%= config.bin %> history ai image-generator',
    '<%= config.bin %> history ai image-generator --target cloud --environment staging --json',
  ];
  static override args = {
    type: Args.string({...typeArgument, required: true}),
    name: Args.string({...nameArgument, required: true}),
  };
  static override flags = ledgerFilters;

  async run(): Promise<HistoryData> {
    const {args, flags} = await this.parse(History);
    const {provider, target, environment} = flags;
    const query = {provider, target, environment, type: args.type, resource: args.name};
    const history = await readHistory(this.config.dataDir, query);
    this.reportProblems(history.problems);
    this.show(historyText(history));
    if (history.others.length > 0) this.note(otherPlaces(history));
    return {...keyOf(history.record), deployments: history.deployments};
  }
}
