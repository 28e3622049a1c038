import {isDeepStrictEqual} from 'node:util';
import type {Change, CloudError, JsonValue, Spec} from '@cloudctl/provider-sdk';
import type {Deployment, LedgerRecord} from '../ledger/record.js';
import {findRecords, type LedgerQuery} from './ledger.js';

export interface HistoryEntry extends Deployment {
  /** The ledger's last word on what is live. */
  current: boolean;
  /**
   * Against the deployment before it; `code` has packages for values. Absent where that one is not known: it is no
   * longer remembered, or was adopted without its spec.
   */
  changes?: readonly Change[];
}

export interface History {
  record: LedgerRecord;
  /** Newest first. */
  deployments: readonly HistoryEntry[];
  /** Resources of the same type and NAME elsewhere. */
  others: readonly LedgerRecord[];
  problems: readonly CloudError[];
}

/**
 * What was deployed under a NAME, as the ledger of this machine remembers it: the newest record where several places
 * have one.
 *
 * @throws CloudError with exit code 3 for a NAME that is in no record.
 */
export async function readHistory(
  dataDir: string,
  query: LedgerQuery & {type: string; resource: string},
): Promise<History> {
  const {records, problems} = await findRecords(dataDir, query);
  const [record, ...others] = records;
  return {record: record!, deployments: historyOf(record!), others, problems};
}

/** A record's deployments, newest first, each with what it changed. */
export function historyOf({deployments}: LedgerRecord): HistoryEntry[] {
  return deployments
    .map((deployment, i) => {
      const changes = changesOf(deployment, deployments[i - 1]);
      return {
        ...deployment,
        current: i === deployments.length - 1,
        ...(changes === undefined ? {} : {changes}),
      };
    })
    .reverse();
}

function changesOf(after: Deployment, before: Deployment | undefined): Change[] | undefined {
  if (before === undefined) return after.number === 1 ? [] : undefined;
  if (before.action === 'adopted' && Object.keys(before.spec).length === 0) return undefined;
  return differences(fieldsOf(before), fieldsOf(after));
}

/** What a deployment consists of, in the order in which people look for it. */
function fieldsOf({name, app, spec, package: source}: Deployment): ReadonlyMap<string, JsonValue> {
  return new Map<string, JsonValue>([
    ['code', source === undefined ? null : {digest: source.digest, files: source.files, bytes: source.bytes}],
    ['name', name],
    ['app', app ?? null],
    ...specFields(spec),
  ]);
}

/** The fields of a spec by name, those of objects in it as `env.LEVEL`. */
export function specFields(spec: Spec): [field: string, value: JsonValue][] {
  return Object.keys(spec)
    .sort()
    .flatMap(field => {
      const value = spec[field]!;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[field, value]];
      return Object.entries(value as Spec).map(([key, inner]): [string, JsonValue] => [`${field}.${key}`, inner]);
    });
}

function differences(before: ReadonlyMap<string, JsonValue>, after: ReadonlyMap<string, JsonValue>): Change[] {
  const fields = new Set([...before.keys(), ...after.keys()]);
  return [...fields].flatMap(field => {
    const change = {field, before: unset(before.get(field)), after: unset(after.get(field))};
    return isDeepStrictEqual(change.before, change.after) ? [] : [change];
  });
}

/** A field that an older version did not know is no change when it comes without a value. */
function unset(value: JsonValue | undefined): JsonValue {
  return value === undefined || (Array.isArray(value) && value.length === 0) ? null : value;
}
