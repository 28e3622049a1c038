import {HostCommand} from '../../command-line/host-command.js';
import {secretsTable} from '../../presentation/secrets.js';
import {type ListedSecret, listSecrets} from '../../services/secrets.js';

export interface SecretsListData {
  secrets: readonly ListedSecret[];
}

export default class SecretsList extends HostCommand<SecretsListData> {
  static override summary = 'List what is stored, where, and how old it is. Shows no values and unlocks nothing.';
  static override examples = ['<%= config.bin %> secrets list', '<%= config.bin %> secrets list --json'];

  async run(): Promise<SecretsListData> {
    await this.parse(SecretsList);
    const secrets = await listSecrets(this.host, this.registry);
    this.show(secretsTable(secrets));
    return {secrets};
  }
}
