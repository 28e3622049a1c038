import {join} from 'node:path';
import {type ProviderDefinition, type Secret, usageError} from '@cloudctl/provider-sdk';
import type {EnvironmentSource} from './environment.js';
import {keyringWaysOut} from './errors.js';
import {BACKENDS, type Backend, type CredentialStore} from './store.js';

/** What the stores need of the world outside. */
export interface CredentialWorld {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly variables: EnvironmentSource;
  /** oclif's own: for the index, and for the encrypted file. */
  readonly configDir: string;
  readonly dataDir: string;
  /** Absolute path of the built keyring helper. */
  readonly keyringHelper: string;
  readonly signal: AbortSignal;
  /** Asks a person for something secret; absent where nobody can be asked. */
  readonly ask?: ((question: string) => Promise<Secret>) | undefined;
  /** A line for people, at once. */
  note(message: string): void;
  warn(message: string): void;
}

/** Milliseconds: a keyring that must be unlocked by a person takes a while; nobody is there for a script. */
const PATIENCE = {person: 60_000, script: 3000};

const VARIABLE = 'CLOUDCTL_SECRETS_BACKEND';

/** Opens a place for secrets; nothing is touched before the first question. */
export async function openStore(
  backend: Backend,
  world: CredentialWorld,
  {name, credentials}: Pick<ProviderDefinition, 'name' | 'credentials'>,
): Promise<CredentialStore> {
  const {environment, signal, ask, note} = world;
  if (backend === 'file') {
    const {EncryptedFile} = await import('./encrypted-file.js');
    return new EncryptedFile({file: encryptedFilePath(world), environment, signal, ask});
  }
  const {KeyringStore} = await import('./keyring-store.js');
  return new KeyringStore({
    helper: world.keyringHelper,
    environment,
    signal,
    patience: ask === undefined ? PATIENCE.script : PATIENCE.person,
    onWait:
      ask === undefined
        ? undefined
        : () => note('Waiting for the system keyring; it may be asking for its password ...'),
    waysOut: keyringWaysOut(
      name,
      credentials.map(({key}) => key),
      credentials.map(({variable}) => variable),
    ),
  });
}

/** Where the encrypted file is. */
export function encryptedFilePath({dataDir}: Pick<CredentialWorld, 'dataDir'>): string {
  return join(dataDir, 'credentials', 'secrets.enc.json');
}

/**
 * What `CLOUDCTL_SECRETS_BACKEND` says: a backend, `env` for the environment alone, or nothing.
 *
 * @throws CloudError with exit code 2 for anything else.
 */
export function pinnedBackend(environment: CredentialWorld['environment']): Backend | 'env' | undefined {
  const value = environment[VARIABLE];
  if (!value || value === 'auto') return undefined;
  if (value === 'env' || BACKENDS.includes(value as Backend)) return value as Backend | 'env';
  throw usageError('UNKNOWN_BACKEND', `${VARIABLE} is set to something that is not a backend.`, {
    hints: [`It takes auto, env, ${BACKENDS.join(', ')}.`],
  });
}
