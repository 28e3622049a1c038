import {join} from 'node:path';
import {EXIT, usageError} from '@cloudctl/provider-sdk';
import {CloudCommand} from '@cloudctl/provider-sdk/oclif';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {forgetRecords} from '../../services/ledger.js';

export interface ForgetData {
  forgotten: readonly {provider: string; target: string; type: string; resource: string}[];
}

export default class LedgerForget extends CloudCommand<ForgetData> {
  static override summary = 'Forget records of the ledger. What is deployed stays deployed.';
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
    const {forgotten, problems} = await forgetRecords(
      join(this.config.dataDir, 'ledger'),
      {provider, target, type},
      args.name,
    );
    for (const problem of problems) this.addWarning(problem.message);
    if (problems.length > 0) process.exitCode = EXIT.partial;
    this.show(
      forgotten.length === 0
        ? 'There was nothing to forget.'
        : forgotten.map(record => `Forgot: ${record.resource} (${record.type}, target ${record.target})`).join('\n'),
    );
    return {
      forgotten: forgotten.map(record => ({
        provider: record.provider,
        target: record.target,
        type: record.type,
        resource: record.resource,
      })),
    };
  }
}
