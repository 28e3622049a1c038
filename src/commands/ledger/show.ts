import {usageError} from '@cloudctl/provider-sdk';
import * as Args from '@oclif/core/args';
import {
  LedgerCommand,
  ledgerFilters,
  nameArgument,
  typeArgument,
  typeFilter,
} from '../../command-line/ledger-command.js';
import {recordTable, recordText} from '../../presentation/ledger.js';
import {findRecords, type LedgerRecord} from '../../services/ledger.js';

export interface LedgerShowData {
  records: readonly LedgerRecord[];
}

export default class LedgerShow extends LedgerCommand<LedgerShowData> {
  static override summary = 'Show what this machine knows of what it deployed. Asks no provider.';
  static override description = 'Specs are shown whole, with the values of --env.';
  static override examples = [
    '<%= config.bin %> ledger show',
    '<%= config.bin %> ledger show ai --target local',
    '<%= config.bin %> ledger show ai image-generator',
  ];
  static override args = {type: Args.string(typeArgument), name: Args.string(nameArgument)};
  static override flags = {...ledgerFilters, type: typeFilter};

  async run(): Promise<LedgerShowData> {
    const {args, flags} = await this.parse(LedgerShow);
    const {provider, target, environment} = flags;
    if (args.type !== undefined && flags.type !== undefined && args.type !== flags.type) {
      throw usageError('USAGE', `The type is ${args.type} or ${flags.type}, not both.`, {
        hints: [`Leave --type ${flags.type} out.`],
      });
    }
    const query = {provider, target, environment, type: args.type ?? flags.type, resource: args.name};
    const {records, problems} = await findRecords(this.config.dataDir, query);
    this.reportProblems(problems);
    this.show(args.name === undefined ? recordTable(records) : records.map(recordText).join('\n\n'));
    return {records};
  }
}
