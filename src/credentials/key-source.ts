import {type CloudError, credentialsError, type Secret, usageError} from '@cloudctl/provider-sdk';
import type {KeyDerivation} from './cipher.js';
import {PRIVATE, readPrivate} from './private-file.js';

/** What opens the encrypted file, and where it came from. */
export interface FileKey {
  kind: KeyDerivation['name'];
  bytes: Buffer;
  /** For errors: `the passphrase`, `/run/key`. */
  origin: string;
  /** Typed, so that it can be asked for again. */
  typed: boolean;
}

export interface KeySources {
  environment: Readonly<Record<string, string | undefined>>;
  /** Asks a person; absent where nobody can be asked. */
  ask?: ((question: string) => Promise<Secret>) | undefined;
}

const KEY_FILE = 'CLOUDCTL_KEY_FILE';
const PASSPHRASE_FILE = 'CLOUDCTL_PASSPHRASE_FILE';
const KEY_BYTES = 32;
const SHORTEST = 8;
/** How often a person may type the passphrase. */
export const ATTEMPTS = 3;

const MAKE_KEY = '(umask 077; head -c 32 /dev/urandom > FILE)';

/**
 * The key file or passphrase file that the environment names, else a passphrase from a person.
 *
 * @param wanted how the file was encrypted; nothing for a new file, whose passphrase is asked for twice.
 * @param attempt which one this is of {@link ATTEMPTS}.
 * @throws CloudError with exit code 4 where there is none, 2 where both variables could be meant.
 */
export async function findKey(
  file: string,
  wanted: KeyDerivation['name'] | undefined,
  {environment, ask}: KeySources,
  attempt = 1,
): Promise<FileKey> {
  const keyFile = environment[KEY_FILE] || undefined;
  const passphraseFile = environment[PASSPHRASE_FILE] || undefined;
  if (wanted === undefined && keyFile !== undefined && passphraseFile !== undefined) {
    throw usageError(
      'KEY_AMBIGUOUS',
      `Both ${KEY_FILE} and ${PASSPHRASE_FILE} are set; a new file takes one of them.`,
      {
        hints: [`Unset one: unset ${PASSPHRASE_FILE}`],
      },
    );
  }
  if (keyFile !== undefined && wanted !== 'scrypt') return readKeyFile(keyFile);
  if (passphraseFile !== undefined && wanted !== 'key-file') return readPassphraseFile(passphraseFile);
  if (wanted !== 'key-file' && ask !== undefined) return askPassphrase(file, wanted === undefined, ask, attempt);
  throw noKey(file, wanted);
}

async function readKeyFile(path: string): Promise<FileKey> {
  const bytes = await readSecretFile(path, KEY_FILE);
  if (bytes.length !== KEY_BYTES) {
    throw credentialsError('KEY_FILE_INVALID', `${path} (${KEY_FILE}) has ${bytes.length} bytes; a key has 32.`, {
      hints: [`Make one: ${MAKE_KEY}`],
    });
  }
  return {kind: 'key-file', bytes, origin: path, typed: false};
}

async function readPassphraseFile(path: string): Promise<FileKey> {
  const text = (await readSecretFile(path, PASSPHRASE_FILE)).toString('utf8').replace(/\r?\n$/, '');
  checkPassphrase(text, path);
  return {kind: 'scrypt', bytes: Buffer.from(text), origin: path, typed: false};
}

async function readSecretFile(path: string, variable: string): Promise<Buffer> {
  // A mounted secret is a link to the file.
  const bytes = await readPrivate(path, {forbidden: PRIVATE, code: 'KEY_FILE_UNSAFE', follow: true});
  if (bytes !== undefined) return bytes;
  throw credentialsError('KEY_FILE_MISSING', `${variable} names ${path}, which does not exist.`);
}

async function askPassphrase(
  file: string,
  fresh: boolean,
  ask: (question: string) => Promise<Secret>,
  attempt: number,
): Promise<FileKey> {
  const again = attempt > 1 ? ` (not that one; attempt ${attempt} of ${ATTEMPTS})` : '';
  const first = (await ask(fresh ? `New passphrase for ${file}` : `Passphrase of ${file}${again}`)).reveal();
  if (fresh) {
    checkPassphrase(first, 'the passphrase');
    if ((await ask('The same again')).reveal() !== first) {
      throw usageError('PASSPHRASE_DIFFERS', 'The two passphrases are not the same. Nothing was stored.');
    }
  }
  return {kind: 'scrypt', bytes: Buffer.from(first), origin: 'the passphrase', typed: true};
}

function checkPassphrase(text: string, origin: string): void {
  if (text.length >= SHORTEST) return;
  throw usageError(
    'PASSPHRASE_SHORT',
    `A passphrase has at least ${SHORTEST} characters; that of ${origin} has fewer.`,
  );
}

function noKey(file: string, wanted: KeyDerivation['name'] | undefined): CloudError {
  const hints = [
    ...(wanted === 'key-file' ? [] : [`Name a file with the passphrase, of mode 600: export ${PASSPHRASE_FILE}=FILE`]),
    ...(wanted === 'scrypt' ? [] : [`Name a key file: export ${KEY_FILE}=FILE; a new one: ${MAKE_KEY}`]),
    ...(wanted === 'key-file' ? [] : ['Or run the command in a terminal, which asks for the passphrase.']),
  ];
  const what = wanted === 'key-file' ? 'the key file' : wanted === 'scrypt' ? 'the passphrase' : 'a key';
  return credentialsError(
    'SECRETS_FILE_KEY_MISSING',
    `The encrypted file ${file} needs ${what}, and there is none here.`,
    {
      hints,
    },
  );
}
