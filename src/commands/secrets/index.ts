import {usageError} from '@cloudctl/provider-sdk';
import {Flags} from '@oclif/core';
import {typedWord} from '../../command-line/argv-guard.js';
import {HostCommand} from '../../command-line/host-command.js';
import {backendOption, keyArgument, profileOption, providerArgument} from '../../command-line/secrets-flags.js';
import {storedText} from '../../presentation/secrets.js';
import {checkKey, findProvider, storedProfile} from '../../services/secrets.js';
import {type StoreOutcome, storeSecret} from '../../services/store-secret.js';

export default class Secrets extends HostCommand<StoreOutcome> {
  static override summary = "Store one of a provider's secrets in the system keyring. Asks for the value.";
  static override description =
    `The value is never taken from the command line, where other users and the shell's history would have it.

Storing again replaces: the new value is tried at the provider before the old one is forgotten. A new half of a pair waits for the other half.`;
  static override examples = [
    '<%= config.bin %> secrets modal token_id',
    'printenv TOKEN_SECRET | <%= config.bin %> secrets modal token_secret --stdin --profile ci',
    '<%= config.bin %> secrets modal token_id --backend file',
  ];
  static override args = {provider: providerArgument, key: keyArgument};
  static override flags = {
    stdin: Flags.boolean({summary: 'Read the value from standard input.'}),
    profile: profileOption,
    backend: backendOption(),
  };

  async run(): Promise<StoreOutcome> {
    const {args, flags} = await this.parse(Secrets);
    if (args.provider === undefined) {
      throw usageError('USAGE', 'Which provider, and which of its keys?', {
        hints: ['cloudctl secrets PROVIDER KEY', 'See what is stored: cloudctl secrets list'],
      });
    }
    const definition = await findProvider(this.registry, typedWord(args.provider));
    const key = checkKey(definition, args.key && typedWord(args.key));
    const profile = storedProfile(this.host, flags.profile);
    const {readSecret} = await import('../../command-line/secret-input.js');
    const {signal, warn} = this.host;
    const value = await readSecret({definition, key, stdin: flags.stdin, signal, warn});
    const outcome = await storeSecret(this.host, definition, {key, value, profile, backend: flags.backend});
    await this.settle();
    this.show(storedText(outcome));
    return outcome;
  }
}
