import {existsSync} from 'node:fs';
import {notFoundError, usageError} from '@cloudctl/provider-sdk';
import type {Deployment, LedgerRecord} from '../ledger/record.js';
import type {Desired} from './desired.js';
import {findRecord, resourceNotFound} from './find.js';
import type {Group} from './groups.js';
import type {Session} from './session.js';

export interface RollbackInput {
  type: string;
  /** NAME. */
  resource: string;
  /** Number of the deployment to bring back; the one before the current where absent. */
  to?: number | undefined;
}

export interface Rollback {
  group: Group;
  record: LedgerRecord;
  to: Deployment;
}

/**
 * An earlier deployment as a resource to deploy: its spec, and its code from the snapshot.
 *
 * @throws CloudError where there is no such deployment, or its code is no longer here.
 */
export async function prepareRollback(session: Session, {type, resource, to}: RollbackInput): Promise<Rollback> {
  const {record, names} = await findRecord(session, type, resource);
  if (record === undefined) throw resourceNotFound(session, type, resource, names);
  const wanted = chooseDeployment(record, to);
  const {package: source, app, name, spec} = wanted;
  const directory = source === undefined ? undefined : session.snapshots.directoryOf(source.digest);
  if (directory !== undefined && !existsSync(directory)) {
    throw notFoundError(
      'SNAPSHOT_GONE',
      `The code of deployment ${wanted.number} of "${resource}" is not on this machine.`,
      {
        hints: [
          'Check the code out again, and deploy it.',
          `See which there are: cloudctl history ${type} ${resource}`,
        ],
      },
    );
  }
  const place = app === undefined ? {} : {app};
  const desired: Desired = {
    ...place,
    name,
    spec,
    type,
    resource,
    project: record.project,
    dependsOn: [],
    rolledBackTo: wanted.number,
    ...(source === undefined || directory === undefined ? {} : {snapshot: {...source, directory}}),
  };
  return {record, to: wanted, group: {session, type, members: [desired], ...place}};
}

function chooseDeployment({deployments, resource, type}: LedgerRecord, to: number | undefined): Deployment {
  const wanted = to === undefined ? deployments.at(-2) : deployments.find(({number}) => number === to);
  const hints = [`See which there are: cloudctl history ${type} ${resource}`];
  if (wanted === undefined) {
    throw notFoundError(
      'DEPLOYMENT_NOT_FOUND',
      to === undefined
        ? `"${resource}" was deployed once only: there is nothing to go back to.`
        : `"${resource}" has no deployment ${to}; ${rangeOf(deployments)}.`,
      {hints},
    );
  }
  if (wanted.action === 'adopted' && wanted.package === undefined && Object.keys(wanted.spec).length === 0) {
    throw usageError(
      'NOT_DEPLOYED_FROM_HERE',
      `Deployment ${wanted.number} of "${resource}" was adopted: its code is not known.`,
      {hints},
    );
  }
  return wanted;
}

function rangeOf(deployments: readonly Deployment[]): string {
  const numbers = deployments.map(({number}) => number);
  if (numbers.length < 2) return `there is only number ${numbers[0]}`;
  return `there are ${numbers[0]} to ${numbers.at(-1)}`;
}
