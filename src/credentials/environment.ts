import {type CredentialDefinition, type ProviderDefinition, Secret} from '@cloudctl/provider-sdk';

/** Which of a provider's credentials stand in environment variables. */
export interface EnvironmentCredentials {
  found: ReadonlyMap<string, Secret>;
  missing: readonly CredentialDefinition[];
}

/**
 * Credentials in environment variables.
 *
 * Each is taken out of the environment when it is first looked at, so that neither a diagnostic report of Node's nor a
 * child that inherits the environment has it.
 */
export class EnvironmentSource {
  readonly #taken = new Map<string, Secret>();

  /** @param environment changed by {@link read}. */
  constructor(private readonly environment: Record<string, string | undefined>) {}

  read({credentials}: Pick<ProviderDefinition, 'credentials'>): EnvironmentCredentials {
    const found = new Map<string, Secret>();
    for (const {key, variable} of credentials) {
      const value = this.environment[variable];
      delete this.environment[variable];
      // An empty variable is how scripts unset one.
      if (value) this.#taken.set(variable, new Secret(value));
      const secret = this.#taken.get(variable);
      if (secret !== undefined) found.set(key, secret);
    }
    return {found, missing: credentials.filter(({key}) => !found.has(key))};
  }
}
