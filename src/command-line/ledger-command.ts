import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {HostCommand} from './host-command.js';

/** Which records: every flag narrows it down. Read from the ledger alone, so no provider has its say on the values. */
export const ledgerFilters = {
  provider: Flags.string({char: 'p', summary: 'Only records of this provider.', helpValue: 'NAME'}),
  target: Flags.string({char: 't', summary: 'Only records of this target.', helpValue: 'NAME'}),
  environment: Flags.string({summary: "Only records of this environment of the provider's.", helpValue: 'NAME'}),
};

export const typeFilter = Flags.string({summary: 'Only records of this resource type.', helpValue: 'TYPE'});

export const typeArgument = {description: 'Resource type, such as ai or storage', ignoreStdin: true} as const;
export const nameArgument = {description: 'NAME that it was deployed under', ignoreStdin: true} as const;

/** A file, or `-` for standard input. */
export const fileArgument = Args.string({
  description: 'File that ledger export made; - for standard input',
  required: true,
  ignoreStdin: true,
});

/** A command that reads the ledger and nothing else: no provider, no credentials, no network. */
export abstract class LedgerCommand<Data extends object> extends HostCommand<Data> {
  // oclif looks for it two classes up and no further.
  static override enableJsonFlag = true;
}
