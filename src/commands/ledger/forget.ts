import {EXIT, usageError} from '@cloudctl/provider-sdk';
import {CloudCommand} from '@cloudctl/provider-sdk/oclif';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {forgottenText} from '../../presentation/ledger.js';
import {forgetRecords, type RecordKey} from '../../services/ledger.js';
import {keyOf} from '../../services/ledger-transfer.js';

export interface ForgetData {
  forgotten: readonly RecordKey[];
}

export default class LedgerForget extends CloudCommand<ForgetData> {
  static override summary = 'Forget records of the ledger. What is deployed stays deployed.';
  static override description =
    'Snapshots of code that no other record needs go too, so a rollback is no longer possible. What is live is not touched; cloudctl adopt follows it again.';
  static override examples = [
    '<%= config.bin %> ledger forget image-generator --provider modal --type ai --yes',
    '<%= config.bin %> ledger forget --provider modal --target local --yes',
  ];
  static override args = {
    name: Args.string({description: 'Only this resource', ignoreStdin: true}),
  };
  static override flags = {
    provider: Flags.string({char: 'p', summary: 'Records of this provider.', required: true, helpValue: 'NAME'}),
    target: Flags.string({char: 't', summary: 'Only records of this target.', helpValue: 'NAME'}),
    type: Flags.string({summary: 'Only records of this resource type.', helpValue: 'TYPE'}),
    yes: Flags.boolean({char: 'y', summary: 'Do it; without this flag nothing is forgotten.'}),
  };

  async run(): Promise<ForgetData> {
    const {args, flags} = await this.parse(LedgerForget);
    if (!flags.yes) {
      throw usageError('CONFIRMATION_NEEDED', 'Forgetting cannot be undone.', {hints: ['Add --yes to do it.']});
    }
    const {provider, target, type} = flags;
    const {forgotten, problems} = await forgetRecords(this.config.dataDir, {provider, target, type}, args.name);
    for (const problem of problems) this.addWarning(problem.message);
    if (problems.length > 0) process.exitCode = EXIT.partial;
    this.show(forgottenText(forgotten));
    return {forgotten: forgotten.map(keyOf)};
  }
}
