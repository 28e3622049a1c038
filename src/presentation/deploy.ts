import type {FactLine, JsonValue, Resource, ResourceTypes} from '@cloudctl/provider-sdk';
import type {DeployResult} from '../services/deploy.js';
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

/** What an apply did: a resource a line, then how many of each. */
export function appliedText(results: readonly DeployResult[]): string {
  const width = Math.max(0, ...results.map(({record: {type, resource}}) => `${type} ${resource}`.length));
  const lines = results.map(({action, resource, record}) =>
    `${DONE[action].padEnd(9)}  ${`${record.type} ${record.resource}`.padEnd(width)}  ${resource.url ?? ''}`.trimEnd(),
  );
  const count = (of: DeployResult['action']): string[] => {
    const number = results.filter(({action}) => action === of).length;
    return number === 0 ? [] : [`${number} ${of}`];
  };
  return [...lines, `${[...count('created'), ...count('updated'), ...count('unchanged')].join(', ')}.`].join('\n');
}
