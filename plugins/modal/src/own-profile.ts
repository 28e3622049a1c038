import {readFile} from 'node:fs/promises';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {credentialsError, didYouMean, notFoundError, type OwnProfile, Secret} from '@cloudctl/provider-sdk';
import {PROVIDER} from './bridge/errors.js';
import type {Environment} from './runtime/environment.js';

/** Where Modal's own tools keep their profiles. */
function configPath(environment: Environment): string {
  return environment['MODAL_CONFIG_PATH'] || join(environment['HOME'] || homedir(), '.modal.toml');
}

/** Settings of a profile that say where its tokens are good. */
const SETTINGS = {environment: 'MODAL_ENVIRONMENT', server_url: 'MODAL_SERVER_URL'} as const;

/**
 * Reads one profile of Modal's own configuration. The file is never written.
 *
 * @throws CloudError with exit code 3 where there is no such file or profile, 4 where it has no tokens.
 */
export async function readOwnProfile(name: string, environment: Environment): Promise<OwnProfile> {
  const file = configPath(environment);
  const profiles = await readProfiles(file);
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (typeof profile !== 'object' || profile === null) {
    const names = Object.keys(profiles);
    throw notFoundError('PROFILE_NOT_FOUND', `${file} has no profile "${name}".`, {
      provider: PROVIDER,
      hints: [...didYouMean(name, names), ...(names.length > 0 ? [`Profiles: ${names.join(', ')}`] : [])],
    });
  }
  const settings = profile as Record<string, unknown>;
  const credentials = new Map<string, Secret>();
  for (const key of ['token_id', 'token_secret']) {
    const value = settings[key];
    if (typeof value !== 'string' || value === '') {
      throw credentialsError('CREDENTIALS_INCOMPLETE', `The profile "${name}" of ${file} has no ${key}.`, {
        provider: PROVIDER,
        hints: [`Make it anew with Modal's own command: modal token new --profile ${name}`],
      });
    }
    credentials.set(key, new Secret(value));
  }
  const variables = Object.entries(SETTINGS).flatMap(([setting, variable]) => {
    const value = settings[setting];
    return typeof value === 'string' && value !== '' ? [[variable, value] as const] : [];
  });
  return {credentials, file, variables: Object.fromEntries(variables)};
}

async function readProfiles(file: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw notFoundError('PROFILE_NOT_FOUND', `${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`, {
      provider: PROVIDER,
      hints: ["It is made by Modal's own command: modal token new"],
    });
  }
  const {parse} = await import('smol-toml');
  try {
    return parse(text);
  } catch (error) {
    // The parser's own message quotes the line, and with it a token.
    const line = (error as {line?: unknown}).line;
    throw credentialsError(
      'PROFILE_UNREADABLE',
      `${file} is not TOML${typeof line === 'number' ? ` (line ${line})` : ''}.`,
      {
        provider: PROVIDER,
      },
    );
  }
}
