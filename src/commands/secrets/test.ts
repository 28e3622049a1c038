import {factLines, usageError} from '@cloudctl/provider-sdk';
import {typedWord} from '../../command-line/argv-guard.js';
import {HostCommand} from '../../command-line/host-command.js';
import {profileOption, providerArgument} from '../../command-line/secrets-flags.js';
import {identityText, originFacts} from '../../presentation/secrets.js';
import {findProvider, type TestedSecrets, testSecrets} from '../../services/secrets.js';

export interface SecretsTestData {
  provider: string;
  profile: string;
  credentials: TestedSecrets['origins'];
  identity: TestedSecrets['identity'];
}

export default class SecretsTest extends HostCommand<SecretsTestData> {
  static override summary = "Show where a provider's credentials come from, and ask the provider whose they are.";
  static override examples = [
    '<%= config.bin %> secrets test modal',
    '<%= config.bin %> secrets test modal --profile ci --json',
    '<%= config.bin %> secrets test modal --profile modal:work',
  ];
  static override args = {provider: providerArgument};
  static override flags = {profile: profileOption};

  async run(): Promise<SecretsTestData> {
    const {args, flags} = await this.parse(SecretsTest);
    if (args.provider === undefined)
      throw usageError('USAGE', 'Which provider?', {hints: ['cloudctl secrets test PROVIDER']});
    const definition = await findProvider(this.registry, typedWord(args.provider));
    // Said before the provider is asked: of use above all where it says no.
    const {origins, identity, profile} = await testSecrets(this.host, definition, flags.profile, found =>
      this.show(factLines([['Provider', definition.name], ...originFacts(found)])),
    );
    await this.settle();
    this.show(identityText(identity));
    return {provider: definition.name, profile, credentials: origins, identity};
  }
}
