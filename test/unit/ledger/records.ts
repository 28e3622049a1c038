import {deploymentOf, LEDGER_SCHEMA, type LedgerRecord} from '../../../src/ledger/record.js';

/** A record that was deployed once, with `changes` applied. */
export function makeRecord(resource: string, changes: Partial<LedgerRecord> = {}): LedgerRecord {
  const made: LedgerRecord = {
    schema: LEDGER_SCHEMA,
    provider: 'modal',
    target: 'local',
    scope: {workspace: 'local', environment: 'main'},
    type: 'ai',
    resource,
    name: resource,
    app: 'app',
    id: `fu-${resource}`,
    spec: {cpu: 0.25},
    createdAt: '2026-01-01T00:00:00Z',
    deployedAt: '2026-01-01T00:00:00Z',
    project: '/project',
    client: '0.1.0',
    deployments: [],
    ...changes,
  };
  return {...made, deployments: changes.deployments ?? [deploymentOf(made, 'created', 1)]};
}
