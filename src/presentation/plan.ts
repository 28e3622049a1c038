import {
  type Change,
  type Difference,
  type FactLine,
  factLines,
  type JsonValue,
  type Plan,
} from '@cloudctl/provider-sdk';
import {ignoredSummary, packageToJson} from '../packaging/describe.js';
import type {ProjectPackage} from '../packaging/package.js';
import type {LedgerRecord} from '../services/ledger.js';
import {type CostChange, totalChange} from '../services/plan-cost.js';
import type {PlannedGroup, PlannedResource} from '../services/planning.js';
import {biggestLines, packageLines, sizeText} from './package-text.js';
import {shortDigest, timeText, valueText} from './values.js';

/** What a plan was compared with. */
export type Source = 'ledger' | 'live';

const SOURCES: Readonly<Record<Source, string>> = {
  ledger: 'the ledger of this machine',
  live: 'the ledger of this machine and what is live',
};

const WOULD: Readonly<Record<Plan['action'], string>> = {
  create: 'Would create',
  update: 'Would update',
  replace: 'Would replace',
  none: 'Would change nothing',
};

const SIGNS: Readonly<Record<Plan['action'], string>> = {
  create: '+ create ',
  update: '~ update ',
  replace: '! replace',
  none: '= keep   ',
};

/** Names of files that a line has room for. */
const FEW = 3;

/** The plan of a single resource, a fact a line. */
export function previewText(group: PlannedGroup, source: Source, aligned: boolean): string {
  const [planned] = group.resources as readonly [PlannedResource];
  const {desired, plan, cost} = planned;
  const {type, resource, name, app, content} = desired;
  return factLines(
    [
      [WOULD[plan.action], `${resource} (${type})`],
      ['Name', name],
      ['App', app],
      ...plan.facts.map(({label, value}): FactLine => [label, value]),
      ['Package', content === undefined ? undefined : sizeText(content)],
      ['Digest', content?.digest],
      ...(content === undefined ? [] : biggestLines(content).map((line): FactLine => ['Biggest', line])),
      ...(content === undefined ? [] : ignoredSummary(content).map((line): FactLine => ['Ignored', line])),
      ...plan.changes.map((change): FactLine => [`Change ${change.field}`, changeText(change, planned)]),
      ...differencesOf(planned).map((difference): FactLine => ['Drift', differenceText(difference)]),
      ...group.effects.map((effect): FactLine => ['Also', effect]),
      ['Cost', cost === undefined ? undefined : costText(cost)],
      ['Compared with', SOURCES[source]],
    ],
    aligned,
  );
}

/** The plan of a project: a resource a block, then what happens beside, then the sum. */
export function planText(
  groups: readonly PlannedGroup[],
  {title, source, strays}: {title: string; source: Source; strays: readonly LedgerRecord[]},
): string {
  const blocks = groups.flatMap(({resources}) => resources.map(resourceBlock));
  const effects = groups.flatMap(group => group.effects.map(effect => `Also: ${effect}`));
  const strangers = groups.flatMap(strangersIn);
  const left = strays.map(
    ({type, resource}) => `Also: ${type} ${resource} was deployed from here and is not in the file; it stays as it is`,
  );
  const beside = [...effects, ...strangers, ...left];
  return [
    `Plan for ${title}`,
    `Compared with ${SOURCES[source]}`,
    '',
    ...blocks,
    ...packagesOf(groups).flatMap(content => ['', ...packageLines(content)]),
    ...(beside.length === 0 ? [] : ['', ...beside]),
    '',
    summaryText(groups),
  ].join('\n');
}

/** The packages that would go up, each once. */
function packagesOf(groups: readonly PlannedGroup[]): readonly ProjectPackage[] {
  const changed = groups.flatMap(({resources}) => resources.filter(sendsCode));
  return [...new Set(changed.flatMap(({desired}) => desired.content ?? []))];
}

function sendsCode({plan, observation}: PlannedResource): boolean {
  const isNew = plan.action === 'create' || (observation !== undefined && observation.status !== 'deployed');
  return isNew || plan.changes.some(({field}) => field === 'code');
}

function resourceBlock(planned: PlannedResource): string {
  const {desired, plan, cost} = planned;
  const {type, resource, name, app} = desired;
  const called = name === resource ? '' : `${name}`;
  const place = [called, app === undefined ? '' : `app ${app}`].filter(Boolean).join(', ');
  const details = [
    // What is there already was shown when it was created.
    ...(plan.action === 'create' ? plan.facts.map(({label, value}) => `${label.toLowerCase()}: ${value}`) : []),
    ...plan.changes.map(change => `${change.field}: ${changeText(change, planned)}`),
    ...differencesOf(planned).map(difference => `drift: ${differenceText(difference)}`),
    ...(cost === undefined || plan.action === 'none' ? [] : [`cost: ${costText(cost)}`]),
  ];
  return [
    `${SIGNS[plan.action]} ${type} ${resource}${place === '' ? '' : ` (${place})`}`,
    ...details.map(line => `    ${line}`),
  ].join('\n');
}

/** `1 to create, 2 to update, 3 unchanged. Estimated Monthly Cost: ...` */
export function summaryText(groups: readonly PlannedGroup[]): string {
  const {create, update, replace, none} = countActions(groups);
  const parts = [
    ...(create > 0 ? [`${create} to create`] : []),
    ...(update > 0 ? [`${update} to update`] : []),
    ...(replace > 0 ? [`${replace} to replace`] : []),
    ...(none > 0 ? [`${none} unchanged`] : []),
  ];
  const costs = groups.flatMap(({resources}) => resources.flatMap(({cost}) => cost ?? []));
  return [`${parts.join(', ')}.`, ...totalLines(totalChange(costs))].join('\n');
}

function totalLines(total: ReturnType<typeof totalChange>): string[] {
  if (total === undefined) return [];
  const {before, after, currency, unknown} = total;
  const change = before === after ? `$${after}` : `$${before} -> $${after}`;
  const missing = unknown === 0 ? '' : `, and ${unknown} without a price`;
  return [`Estimated Monthly Cost: ${change} ${currency}${missing} (always on)`];
}

/** `$0.044 -> $0.088 an hour, $31.68 -> $63.36 a month (USD, always on)`. */
function costText({before, after, prices: {currency}}: CostChange): string {
  if ('unknown' in after) return `no price for ${after.unknown.join(', ')}`;
  const known = before === undefined || 'unknown' in before ? undefined : before;
  const money = (was: string | undefined, is: string): string =>
    was === undefined || was === is ? `$${is}` : `$${was} -> $${is}`;
  const hourly = after.hourly === undefined ? [] : [`${money(known?.hourly, after.hourly)} an hour`];
  return `${[...hourly, `${money(known?.monthly, after.monthly)} a month`].join(', ')} (${currency}, always on)`;
}

export function countActions(groups: readonly PlannedGroup[]): Record<Plan['action'], number> {
  const counts = {create: 0, update: 0, replace: 0, none: 0};
  for (const {resources} of groups) for (const {plan} of resources) counts[plan.action] += 1;
  return counts;
}

/** What else lives in the app, where nothing is published and so nothing happens to it. */
function strangersIn({app, effects, unmanaged = []}: PlannedGroup): string[] {
  if (effects.length > 0 || unmanaged.length === 0) return [];
  const names = unmanaged.map(({name}) => name).join(', ');
  return [`Also live${app === undefined ? '' : ` in the app "${app}"`} and in no record here: ${names}`];
}

function differencesOf({observation}: PlannedResource): readonly Difference[] {
  return observation?.differences ?? [];
}

/** `app version: 3 -> 4 (rolled back to 2), by ada, with modal 1.6.4, at 2026-01-01T00:00:00Z`. */
export function differenceText({what, before, after, by, at}: Difference): string {
  const who = [by === undefined ? '' : `by ${by}`, at === undefined ? '' : `at ${timeText(at)}`].filter(Boolean);
  return [`${what}: ${valueText(before)} -> ${valueText(after)}`, ...who].join(', ');
}

function changeText({field, before, after}: Change, planned: PlannedResource): string {
  if (field !== 'code') return `${valueText(before)} -> ${valueText(after)}`;
  const {delta} = planned;
  const digests = `${shortDigest(before)} -> ${shortDigest(after)}`;
  if (delta === undefined) return digests;
  const parts = [
    filesText('changed', delta.changed),
    filesText('added', delta.added),
    filesText('removed', delta.removed),
  ];
  return `${digests}; ${parts.filter(Boolean).join('; ') || 'no file changed'}`;
}

function filesText(what: string, paths: readonly string[]): string {
  if (paths.length === 0) return '';
  const more = paths.length > FEW ? ` and ${paths.length - FEW} more` : '';
  return `${paths.length} ${what}: ${paths.slice(0, FEW).join(', ')}${more}`;
}

export interface PlannedJson extends Plan {
  type: string;
  resource: string;
  name: string;
  app?: string;
  provider: string;
  target: string;
  package?: object;
  cost?: object;
  /** With `--refresh`, of what the ledger knows. */
  status?: string;
  differences?: readonly Difference[];
}

/** The plan of a single resource, with what happens beside it. */
export interface PreviewJson extends PlannedJson {
  comparedWith: Source;
  effects: readonly string[];
}

export function previewToJson(group: PlannedGroup, source: Source): PreviewJson {
  return {...plannedToJson(group, group.resources[0]!), comparedWith: source, effects: group.effects};
}

export interface PlanJson {
  comparedWith: Source;
  /** How many resources each action meets. */
  summary: Record<Plan['action'], number>;
  resources: PlannedJson[];
  /** What happens to anything else, a sentence each. */
  effects: string[];
  /** Live beside them and in no record; with `--refresh`. */
  unmanaged?: {name: string; app?: string; type: string}[];
}

export function planToJson(groups: readonly PlannedGroup[], source: Source): PlanJson {
  return {
    comparedWith: source,
    summary: countActions(groups),
    resources: groups.flatMap(group => group.resources.map(planned => plannedToJson(group, planned))),
    effects: groups.flatMap(({effects}) => effects),
    ...(source === 'ledger'
      ? {}
      : {
          unmanaged: groups.flatMap(({unmanaged = []}) =>
            unmanaged.map(({name, app, type}) => ({name, type, ...(app === undefined ? {} : {app})})),
          ),
        }),
  };
}

function plannedToJson({session}: PlannedGroup, planned: PlannedResource): PlannedJson {
  const {desired, plan, delta, cost, observation} = planned;
  const {type, resource, name, app, content} = desired;
  return {
    ...{type, resource, name},
    ...(app === undefined ? {} : {app}),
    provider: session.definition.name,
    target: session.target.name,
    ...plan,
    ...(content === undefined ? {} : {package: packageToJson(content, delta)}),
    ...(cost === undefined ? {} : {cost: costJson(cost)}),
    ...(observation === undefined ? {} : {status: observation.status, differences: observation.differences}),
  };
}

/** Money as text, unrounded parts left out: `cost` has them. */
function costJson({before, after, prices}: CostChange): {readonly [key: string]: JsonValue} {
  const figures = (of: CostChange['after']): JsonValue =>
    'unknown' in of
      ? {priceUnknown: of.unknown}
      : {...(of.hourly === undefined ? {} : {hourly: of.hourly}), monthly: of.monthly};
  return {...(before === undefined ? {} : {before: figures(before)}), after: figures(after), ...prices};
}
