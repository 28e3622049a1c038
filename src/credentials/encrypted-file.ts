import {dirname} from 'node:path';
import {type CloudError, credentialsError, Secret} from '@cloudctl/provider-sdk';
import {
  deriveKey,
  isDerivation,
  isSealed,
  type KeyDerivation,
  newDerivation,
  type Sealed,
  seal,
  unseal,
} from './cipher.js';
import {damagedFile, newerFile} from './errors.js';
import {ATTEMPTS, type FileKey, findKey, type KeySources} from './key-source.js';
import {whileLocked} from './lock.js';
import {PRIVATE, privateFolder, readPrivate, writePrivate} from './private-file.js';
import type {CredentialStore} from './store.js';

const VERSION = 1;
const UNSAFE = 'SECRETS_FILE_UNSAFE';
const DAMAGED = 'SECRETS_FILE_DAMAGED';
/** Encrypted beside the values, so that a wrong key is told from damage. */
const CHECK = 'cloudctl';

interface Contents {
  cloudctl: 'secrets';
  version: typeof VERSION;
  kdf: KeyDerivation;
  check: Sealed;
  entries: Record<string, Sealed>;
}

interface Opened {
  contents: Contents;
  key: Buffer;
}

export interface EncryptedFileOptions extends KeySources {
  /** Absolute path. */
  file: string;
  signal: AbortSignal;
}

/**
 * Values in one file, each encrypted with AES-256-GCM under a key from a passphrase (scrypt) or a key file.
 *
 * Used only where the user chose it. The names of the values can be read without the key.
 */
export class EncryptedFile implements CredentialStore {
  #key: {salt: string; key: Buffer} | undefined;

  constructor(private readonly options: EncryptedFileOptions) {}

  async get(service: string, accounts: readonly string[]): Promise<ReadonlyMap<string, Secret>> {
    const found = new Map<string, Secret>();
    const contents = await this.#read();
    const wanted = accounts.filter(account => contents?.entries[account] !== undefined);
    if (contents === undefined || wanted.length === 0) return found;
    const {key} = await this.#open(contents);
    for (const account of wanted) {
      const text = unseal(key, label(service, account), contents.entries[account]!);
      if (text === undefined) throw damagedFile(DAMAGED, this.options.file, `the value of ${account} was changed`);
      found.set(account, new Secret(text));
    }
    return found;
  }

  async set(service: string, account: string, secret: Secret): Promise<void> {
    const {file, signal} = this.options;
    await privateFolder(dirname(file), UNSAFE);
    // Asked for before the lock: a person may take minutes to answer.
    const before = await this.#read();
    const opened = before === undefined ? await this.#create() : await this.#open(before);
    await whileLocked(file, signal, async () => {
      const now = (await this.#read()) ?? opened.contents;
      const {contents, key} = await this.#open(now);
      await this.#write({
        ...contents,
        entries: {...contents.entries, [account]: seal(key, label(service, account), secret.reveal())},
      });
    });
  }

  async delete(_service: string, account: string): Promise<boolean> {
    const {file, signal} = this.options;
    const before = await this.#read();
    if (before?.entries[account] === undefined) return false;
    await privateFolder(dirname(file), UNSAFE);
    // Needs no key: taking a value out discloses nothing, and its owner could remove the file as well.
    return whileLocked(file, signal, async () => {
      const contents = await this.#read();
      if (contents?.entries[account] === undefined) return false;
      const {[account]: _, ...entries} = contents.entries;
      await this.#write({...contents, entries});
      return true;
    });
  }

  async #create(): Promise<Opened> {
    const found = await findKey(this.options.file, undefined, this.options);
    const kdf = newDerivation(found.kind);
    const key = await deriveKey(found.bytes, kdf);
    this.#key = {salt: kdf.salt, key};
    this.#found = found;
    return {key, contents: {cloudctl: 'secrets', version: VERSION, kdf, check: seal(key, CHECK, CHECK), entries: {}}};
  }

  /** What opened the file last, for one that another process created a moment earlier. */
  #found: FileKey | undefined;

  async #open(contents: Contents): Promise<Opened> {
    const {kdf, check} = contents;
    if (this.#key?.salt === kdf.salt) return {contents, key: this.#key.key};
    for (let attempt = 1; ; attempt++) {
      const known = this.#found?.kind === kdf.name ? this.#found : undefined;
      const found = known ?? (await findKey(this.options.file, kdf.name, this.options, attempt));
      const key = await deriveKey(found.bytes, kdf);
      if (unseal(key, CHECK, check) === CHECK) {
        this.#key = {salt: kdf.salt, key};
        this.#found = found;
        return {contents, key};
      }
      this.#found = undefined;
      if (!found.typed || attempt === ATTEMPTS) throw wrongKey(this.options.file, found);
    }
  }

  async #read(): Promise<Contents | undefined> {
    const {file} = this.options;
    const bytes = await readPrivate(file, {forbidden: PRIVATE, code: UNSAFE});
    return bytes === undefined ? undefined : parse(bytes.toString('utf8'), file);
  }

  #write(contents: Contents): Promise<void> {
    return writePrivate(this.options.file, `${JSON.stringify(contents, null, 1)}\n`);
  }
}

/** Bound to each value: the format, the service and the name, so that none can stand in another's place. */
function label(service: string, account: string): string {
  return `${service}:${VERSION}:${account}`;
}

function parse(text: string, file: string): Contents {
  const damaged = (why: string): CloudError => damagedFile(DAMAGED, file, why);
  let value: Partial<Contents> | null;
  try {
    value = JSON.parse(text) as Partial<Contents> | null;
  } catch {
    throw damaged(text === '' ? 'it is empty' : 'it is not JSON');
  }
  if (typeof value !== 'object' || value?.cloudctl !== 'secrets') throw damaged('CloudCTL did not write it');
  if (typeof value.version === 'number' && value.version > VERSION) throw newerFile(file, value.version);
  const {version, kdf, check, entries} = value;
  if (version !== VERSION || !isDerivation(kdf) || !isSealed(check)) throw damaged('its head was changed');
  if (typeof entries !== 'object' || entries === null || !Object.values(entries).every(isSealed))
    throw damaged('a value was changed');
  return {cloudctl: 'secrets', version, kdf, check, entries};
}

function wrongKey(file: string, {kind, origin}: FileKey): CloudError {
  const what = kind === 'scrypt' ? 'a wrong passphrase' : 'a wrong key file';
  return credentialsError('SECRETS_FILE_WRONG_KEY', `${origin} does not open ${file}: ${what}.`, {
    hints: [
      'Nothing was changed. A file has one passphrase or key file for all its values.',
      `Where it is lost, so are the values: mv ${file} ${file}.lost, and store them again.`,
    ],
  });
}
