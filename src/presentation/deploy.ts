import type {FactLine, JsonValue, Plan, Resource, ResourceTypes} from '@cloudctl/provider-sdk';
import {describeSize, packageToJson} from '../packaging/describe.js';
import type {DeployInput, DeployResult, Preview} from '../services/deploy.js';
import type {Session} from '../services/session.js';

type Facts = FactLine[];

const DONE = {created: 'Created', updated: 'Updated', unchanged: 'Unchanged'} as const;

/** The result of a deploy, a fact a line. */
export function deployFacts({action, resource, record}: DeployResult): Facts {
  return [
    [DONE[action], `${record.resource} (${record.type})`],
    ['ID', resource.id],
    ['Name', resource.name],
    ['App', resource.app],
    ['Status', resource.status],
    ['URL', resource.url],
    ['Dashboard', resource.dashboardUrl],
    ['Created At', resource.createdAt],
  ];
}

/** What to try next, as a command to copy. */
export function nextStep({definition, target}: Session, {record: {type, resource}}: DeployResult): string {
  const callable = (definition.resources as ResourceTypes)[type]?.operations.call.supported === true;
  const flags = target === definition.targets[0] ? '' : ` --target ${target.name}`;
  return `Next: cloudctl ${callable ? `call ${type} ${resource}` : `list ${type}`}${flags}`;
}

export interface DeployedJson {
  action: string;
  resource: Resource & {resource: string; spec: JsonValue; digest?: string};
}

export function deployToJson({action, resource, record}: DeployResult): DeployedJson {
  const {details, ...known} = resource;
  return {
    action,
    resource: {
      ...known,
      resource: record.resource,
      spec: record.spec,
      ...(record.package === undefined ? {} : {digest: record.package.digest}),
      ...details,
    },
  };
}

const PLANNED = {
  create: 'Would create',
  update: 'Would update',
  replace: 'Would replace',
  none: 'Would change nothing',
} as const;

/** A preview, a fact a line. */
export function previewFacts(input: DeployInput, {plan, resolved, package: content}: Preview): Facts {
  return [
    [PLANNED[plan.action], `${input.resource} (${input.type})`],
    ['Name', resolved.name],
    ['App', resolved.app],
    ...plan.facts.map(({label, value}): [string, string] => [label, value]),
    ['Package', content === undefined ? undefined : describeSize(content.files.length, content.bytes)],
    ['Digest', content?.digest],
    [
      'Ignored',
      content === undefined || content.ignored.length === 0
        ? undefined
        : content.ignored.map(({path, by}) => `${path} (${by})`).join(', '),
    ],
    ...plan.changes.map(({field, before, after}): [string, string] => [
      `Change ${field}`,
      `${show(before)} -> ${show(after)}`,
    ]),
    ...plan.effects.map((effect): [string, string] => ['Also', effect]),
    ['Compared with', 'the ledger of this machine; nothing was changed'],
  ];
}

export interface PreviewJson {
  plan: Plan & {resource: string; type: string; name: string; app?: string; package?: object};
}

export function previewToJson(input: DeployInput, {plan, resolved, package: content}: Preview): PreviewJson {
  return {
    plan: {
      ...plan,
      resource: input.resource,
      type: input.type,
      name: resolved.name,
      ...(resolved.app === undefined ? {} : {app: resolved.app}),
      ...(content === undefined ? {} : {package: packageToJson(content)}),
    },
  };
}

function show(value: JsonValue | undefined): string {
  return value === undefined ? '(none)' : typeof value === 'string' ? value : JSON.stringify(value);
}
