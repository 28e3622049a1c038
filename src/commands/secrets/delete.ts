import {usageError} from '@cloudctl/provider-sdk';
import {typedWord} from '../../command-line/argv-guard.js';
import {HostCommand} from '../../command-line/host-command.js';
import {backendOption, keyArgument, profileOption, providerArgument} from '../../command-line/secrets-flags.js';
import {deleteSecret} from '../../services/secrets.js';

export interface SecretsDeleteData {
  deleted: {provider: string; key: string; profile: string; backend: string};
}

export default class SecretsDelete extends HostCommand<SecretsDeleteData> {
  static override summary = 'Delete a stored secret. The provider itself still accepts it until it is revoked there.';
  static override examples = [
    '<%= config.bin %> secrets delete modal token_id',
    '<%= config.bin %> secrets delete modal token_secret --profile ci',
  ];
  static override args = {provider: providerArgument, key: keyArgument};
  static override flags = {profile: profileOption, backend: backendOption()};

  async run(): Promise<SecretsDeleteData> {
    const {args, flags} = await this.parse(SecretsDelete);
    if (args.provider === undefined || args.key === undefined) {
      throw usageError('USAGE', 'Which provider, and which of its keys?', {
        hints: ['cloudctl secrets delete PROVIDER KEY', 'See what is stored: cloudctl secrets list'],
      });
    }
    const {profile, backend} = flags;
    const typed = {provider: typedWord(args.provider), key: typedWord(args.key), profile, backend};
    const deleted = await deleteSecret(this.host, this.registry, typed);
    this.show(`Deleted: ${deleted.key} of ${deleted.provider} (profile ${deleted.profile})`);
    return {deleted};
  }
}
