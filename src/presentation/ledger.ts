import {type FactLine, factLines} from '@cloudctl/provider-sdk';
import {describeSize} from '../packaging/describe.js';
import {historyOf, specFields} from '../services/history.js';
import {type LedgerRecord, placeOf} from '../services/ledger.js';
import type {ImportResult} from '../services/ledger-transfer.js';
import {deploymentLine} from './history.js';
import {plainTable} from './plain.js';
import {timeText, valueText} from './values.js';

/** All records, one a line. */
export function recordTable(records: readonly LedgerRecord[]): string {
  if (records.length === 0)
    return 'The ledger of this machine has no such records.\nSee what is live: cloudctl list ai';
  return plainTable(
    ['Resource', 'Type', 'Provider', 'Target', 'Environment', 'App', 'Deployed At', 'Deploys'],
    records.map(({resource, type, provider, target, scope, app, deployedAt, deployments}) => [
      resource,
      type,
      provider,
      target,
      `${scope.workspace}/${scope.environment}`,
      app ?? '-',
      timeText(deployedAt),
      String(deployments.length),
    ]),
  );
}

/** Everything that one record says, a fact a line. */
export function recordText(record: LedgerRecord): string {
  const {resource, type, name, app, id, url, dashboardUrl, createdAt, deployedAt, project, prices, revision} = record;
  return factLines([
    ['Resource', `${resource} (${type})`],
    ['On', placeOf(record)],
    ['ID', id],
    ['Name', name],
    ['App', app],
    ['URL', url],
    ['Dashboard', dashboardUrl],
    ['Created At', createdAt],
    ['Deployed At', deployedAt],
    ['Adopted', record.adopted ? 'yes: found live, not deployed from here' : undefined],
    ['Project', project],
    ['Code', codeText(record.package)],
    ...specFields(record.spec).map(([field, value]): FactLine => [`Spec ${field}`, valueText(value)]),
    ['Prices', prices === undefined ? undefined : `${prices.version} of ${prices.date}`],
    ['Revision', revision],
    ['Written By', `cloudctl ${record.client}`],
    ...historyOf(record).map((entry): FactLine => [`Deployment ${entry.number}`, deploymentLine(entry)]),
  ]);
}

function codeText(source: LedgerRecord['package']): string | undefined {
  return source === undefined ? undefined : `${source.digest} (${describeSize(source.files, source.bytes)})`;
}

/** What an import did, or would do, a line a record. */
export function importText({added, replaced, same}: ImportResult, dryRun: boolean): string {
  const line = (done: string, would: string) => (record: LedgerRecord) =>
    `${dryRun ? would : done}: ${nameOf(record)} on ${placeOf(record)}`;
  const lines = [
    ...added.map(line('Added', 'Would add')),
    ...replaced.map(line('Replaced', 'Would replace')),
    ...(same.length === 0 ? [] : [`Here already: ${same.length} record${same.length === 1 ? '' : 's'}`]),
    ...(dryRun ? ['Nothing was written.'] : []),
  ];
  return lines.length === 0 ? 'There was nothing to import.' : lines.join('\n');
}

/** What imported records cannot do here yet. */
export function importWarnings({withoutSnapshot, withoutProject}: ImportResult): string[] {
  const names = (records: readonly LedgerRecord[]): string => records.map(nameOf).join(', ');
  return [
    ...(withoutSnapshot.length === 0
      ? []
      : [
          `The code is not on this machine: ${names(withoutSnapshot)}. A deploy of a neighbour fetches it from the deployment; a rollback needs it here, so it goes back no further than to what is deployed from here.`,
        ]),
    ...(withoutProject.length === 0
      ? []
      : [
          `The project folder is not on this machine: ${names(withoutProject)}. The next deploy from another folder needs --take-over.`,
        ]),
  ];
}

/** What was forgotten, and what that means for what is deployed. */
export function forgottenText(forgotten: readonly LedgerRecord[]): string {
  if (forgotten.length === 0) return 'There was nothing to forget.';
  const [{type, resource, name, app, provider, target}] = forgotten as [LedgerRecord];
  const live = `${app === undefined ? '' : ` --app ${app}`}${name === resource ? '' : ` --name ${name}`}`;
  return [
    ...forgotten.map(record => `Forgot: ${record.resource} (${record.type}, target ${record.target})`),
    'What is deployed stays deployed, and may go on to cost.',
    'It is in no more estimates, and its history is gone.',
    `See what is live: cloudctl list ${type} --provider ${provider} --target ${target}`,
    `Follow it again: cloudctl adopt ${type} ${resource}${live} --provider ${provider} --target ${target}`,
  ].join('\n');
}

function nameOf({type, resource}: LedgerRecord): string {
  return `${type} ${resource}`;
}
