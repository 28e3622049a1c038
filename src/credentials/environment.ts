import {credentialsError, type ProviderDefinition, Secret, type TargetDefinition} from '@cloudctl/provider-sdk';

/**
 * The credentials that a target needs, from the environment variables that the provider names.
 *
 * All or none: half a set is an error, because the other half would come from somewhere else and not fit.
 *
 * @throws CloudError with exit code 4 that names every way out.
 */
export function resolveCredentials(
  definition: ProviderDefinition,
  target: TargetDefinition,
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, Secret> {
  if (!target.credentials) return new Map();
  const found = definition.credentials.filter(({variable}) => environment[variable]);
  if (found.length === definition.credentials.length) {
    return new Map(found.map(({key, variable}) => [key, new Secret(environment[variable]!)]));
  }
  const missing = definition.credentials.filter(credential => !found.includes(credential));
  const without = definition.targets.find(({credentials}) => !credentials);
  const hints = [
    `Set ${found.length > 0 ? 'it' : 'them'}: ${missing.map(({variable}) => `export ${variable}=...`).join('; ')}`,
    ...(without === undefined ? [] : [`Or go without an account: --target ${without.name} (${without.summary})`]),
  ];
  if (found.length > 0) {
    throw credentialsError(
      'CREDENTIALS_INCOMPLETE',
      `${found.map(({variable}) => variable).join(', ')} is set, but ${missing.map(({variable}) => variable).join(', ')} is not; ${definition.title} needs both.`,
      {hints, provider: definition.name},
    );
  }
  throw credentialsError('CREDENTIALS_MISSING', `No credentials for ${definition.title} (target "${target.name}").`, {
    hints,
    provider: definition.name,
  });
}
