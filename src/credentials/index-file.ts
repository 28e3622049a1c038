import {join} from 'node:path';
import {damagedFile, newerFile} from './errors.js';
import {whileLocked} from './lock.js';
import {privateFolder, READABLE, readPrivate, writePrivate} from './private-file.js';
import {accountOf, BACKENDS, type Backend, type CredentialId} from './store.js';

/** What is known of a stored value, without the value. */
export interface IndexEntry extends CredentialId {
  /** Where the value in use is; absent while there is only one that waits. */
  backend?: Backend;
  /** ISO 8601, UTC. */
  createdAt: string;
  updatedAt: string;
  /** A new value that waits for the other half of its pair. */
  next?: {backend: Backend; createdAt: string};
}

export interface IndexChange {
  id: CredentialId;
  edit(entry: IndexEntry | undefined): IndexEntry | undefined;
}

const SCHEMA = 1;
const UNSAFE = 'SECRETS_INDEX_UNSAFE';
const DAMAGED = 'SECRETS_INDEX_DAMAGED';

/**
 * Which values are stored and where, so that a read never guesses and a list never unlocks anything.
 *
 * Holds names and times, never a value.
 */
export class CredentialIndex {
  readonly file: string;

  /** @param folder oclif's configuration directory. */
  constructor(
    private readonly folder: string,
    private readonly signal: AbortSignal,
  ) {
    this.file = join(folder, 'secrets.json');
  }

  /** Makes sure that an entry can be written, before a value is stored that nobody would find again. */
  prepare(): Promise<void> {
    return privateFolder(this.folder, UNSAFE);
  }

  /** By provider, profile and key. */
  async list(): Promise<readonly IndexEntry[]> {
    const bytes = await readPrivate(this.file, {forbidden: READABLE, code: UNSAFE});
    if (bytes === undefined) return [];
    return parse(bytes.toString('utf8'), this.file).sort((a, b) => order(a).localeCompare(order(b)));
  }

  /** Changes entries while no other process does, each as it stands by then; nothing out takes one away. */
  async change(changes: readonly IndexChange[]): Promise<void> {
    await this.prepare();
    await whileLocked(this.file, this.signal, async () => {
      const entries = new Map((await this.list()).map(entry => [accountOf(entry), entry]));
      for (const {id, edit} of changes) {
        const edited = edit(entries.get(accountOf(id)));
        if (edited === undefined) entries.delete(accountOf(id));
        else entries.set(accountOf(id), edited);
      }
      await writePrivate(this.file, `${JSON.stringify({schema: SCHEMA, entries: [...entries.values()]}, null, 2)}\n`);
    });
  }
}

function order({provider, profile, key}: CredentialId): string {
  return [provider, profile, key].join('\0');
}

function parse(text: string, file: string): IndexEntry[] {
  let value: {schema?: unknown; entries?: unknown} | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    throw damagedFile(DAMAGED, file, text === '' ? 'it is empty' : 'it is not JSON');
  }
  if (typeof value?.schema === 'number' && value.schema > SCHEMA) throw newerFile(file, value.schema);
  if (value?.schema !== SCHEMA || !Array.isArray(value.entries) || !value.entries.every(isEntry))
    throw damagedFile(DAMAGED, file, 'an entry was changed');
  return value.entries;
}

function isEntry(value: unknown): value is IndexEntry {
  if (typeof value !== 'object' || value === null) return false;
  const {profile, provider, key, createdAt, updatedAt, backend, next} = value as Record<string, unknown>;
  const texts = [profile, provider, key, createdAt, updatedAt].every(text => typeof text === 'string');
  const known = (name: unknown): boolean => BACKENDS.includes(name as Backend);
  const waiting = next as {backend?: unknown; createdAt?: unknown} | undefined;
  return (
    texts &&
    (backend === undefined || known(backend)) &&
    (waiting === undefined || (known(waiting.backend) && typeof waiting.createdAt === 'string'))
  );
}
