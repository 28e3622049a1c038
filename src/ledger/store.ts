import {mkdir, readdir, readFile, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {type CloudError, environmentError, isCloudError, RESOURCE_NAME, type Scope} from '@cloudctl/provider-sdk';
import {type LedgerRecord, parseRecord} from './record.js';

/** What identifies a record. Workspace and environment are part of it: accounts never mix. */
export interface RecordKey {
  provider: string;
  target: string;
  scope: Scope;
  type: string;
  resource: string;
}

export interface LedgerFilter {
  provider?: string | undefined;
  target?: string | undefined;
  scope?: Scope | undefined;
  /** The scope's environment, in whatever workspace. */
  environment?: string | undefined;
  type?: string | undefined;
  /** NAME. Other records are not even opened, so that damage among them is no problem. */
  resource?: string | undefined;
  app?: string | undefined;
}

export interface LedgerContents {
  records: readonly LedgerRecord[];
  /** Records that could not be read, and why. */
  problems: readonly CloudError[];
}

/**
 * The ledger on disk: one JSON file a record, at `PROVIDER/TARGET/WORKSPACE/ENVIRONMENT/TYPE/NAME.json`.
 *
 * A file is replaced as a whole, so a crash leaves the old or the new record, and damage stays with one resource.
 */
export class Ledger {
  constructor(readonly directory: string) {}

  async read(key: RecordKey): Promise<LedgerRecord | undefined> {
    const file = this.fileOf(key);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    return this.parse(text, file);
  }

  async write(record: LedgerRecord): Promise<void> {
    // A damaged or newer record is somebody's knowledge: reading it first refuses to overwrite it.
    await this.read(record);
    const file = this.fileOf(record);
    await mkdir(dirname(file), {recursive: true, mode: 0o700});
    const {default: writeFileAtomic} = await import('write-file-atomic');
    await writeFileAtomic(file, `${JSON.stringify(record, null, 2)}\n`, {mode: 0o600});
  }

  async remove(key: RecordKey): Promise<void> {
    await rm(this.fileOf(key), {force: true});
  }

  /** All records that fit, by type and name. One that cannot be read is reported, not thrown. */
  async list(filter: LedgerFilter = {}): Promise<LedgerContents> {
    const records: LedgerRecord[] = [];
    const problems: CloudError[] = [];
    for (const file of await this.files(filter)) {
      try {
        const record = this.parse(await readFile(file, 'utf8'), file);
        if (fits(record, filter)) records.push(record);
      } catch (error) {
        if (isCloudError(error)) problems.push(error);
        else if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    records.sort((a, b) => order(a).localeCompare(order(b)));
    return {records, problems};
  }

  private async files(filter: LedgerFilter): Promise<string[]> {
    const {provider, target, scope, environment, type, resource} = filter;
    const levels = [provider, target, scope?.workspace, scope?.environment ?? environment, type];
    let folders = [this.directory];
    for (const level of levels) {
      const next = folders.map(async folder =>
        (level === undefined ? await entries(folder) : [encode(level)]).map(name => join(folder, name)),
      );
      folders = (await Promise.all(next)).flat();
    }
    const wanted = resource === undefined ? undefined : encode(`${resource}.json`);
    const found = folders.map(async folder =>
      (await entries(folder))
        .filter(name => (wanted === undefined ? name.endsWith('.json') : name === wanted))
        .map(name => join(folder, name)),
    );
    return (await Promise.all(found)).flat();
  }

  /** A record is what its path says: one that was copied by hand would pass for another resource. */
  private parse(text: string, file: string): LedgerRecord {
    const record = parseRecord(text, file);
    const place = this.fileOf(record);
    if (place === file) return record;
    throw environmentError(
      'LEDGER_MISPLACED',
      `The ledger record ${file} is that of ${record.type} "${record.resource}", and does not belong there.`,
      {
        hints: [
          `Move it away, or to its own place: ${place}`,
          'To follow what is live under another name: cloudctl adopt TYPE NAME --name NAME-THERE',
        ],
        ...(record.app === undefined ? {} : {data: {app: record.app}}),
      },
    );
  }

  private fileOf({provider, target, scope, type, resource}: RecordKey): string {
    const path = [provider, target, scope.workspace, scope.environment, type, `${resource}.json`];
    return join(this.directory, ...path.map(encode));
  }
}

/** What a provider, its targets and resource types may be called. */
const WORD = /^[a-z][a-z0-9-]{0,63}$/i;
/** Workspaces and environments are named by the provider: nothing that reads as a path, or does not print. */
const PLACE = /^(?!\.)[^/\\\p{C}]{1,100}$/u;
/** File systems take 255 bytes; a temporary file beside it needs some of them. */
const LONGEST_FILE = 200;

/** Which part of a key from elsewhere cannot be what it says, or nothing where all is well. */
export function problemOfKey({provider, target, scope, type, resource}: RecordKey): string | undefined {
  const parts: readonly (readonly [part: string, value: string, rule: RegExp])[] = [
    ['provider', provider, WORD],
    ['target', target, WORD],
    ['workspace', scope.workspace, PLACE],
    ['environment', scope.environment, PLACE],
    ['type', type, WORD],
    ['resource', resource, RESOURCE_NAME],
  ];
  const bad = parts.find(([, value, rule]) => !rule.test(value) || encode(value).length > LONGEST_FILE);
  return bad === undefined ? undefined : `${JSON.stringify(bad[1])} cannot be the name of a ${bad[0]}`;
}

function fits(record: LedgerRecord, filter: LedgerFilter): boolean {
  const {provider, target, scope, environment, type, resource, app} = filter;
  return (
    (provider === undefined || record.provider === provider) &&
    (environment === undefined || record.scope.environment === environment) &&
    (resource === undefined || record.resource === resource) &&
    (target === undefined || record.target === target) &&
    (scope === undefined ||
      (record.scope.workspace === scope.workspace && record.scope.environment === scope.environment)) &&
    (type === undefined || record.type === type) &&
    (app === undefined || record.app === app)
  );
}

/** Resources in the order in which people meet them: by type, then by name. */
function order({provider, type, resource, target}: LedgerRecord): string {
  return [provider, type, resource, target].join('\0');
}

/** A name that is safe as a file name, and never `.` or `..`. */
function encode(name: string): string {
  return encodeURIComponent(name).replace(/^\./, '%2E').replace(/\*/g, '%2A');
}

async function entries(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
