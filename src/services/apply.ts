import {CloudError, EXIT, isCloudError, type ProgressSink} from '@cloudctl/provider-sdk';
import {placeTitle} from './app-lock.js';
import {type DeployOptions, type DeployResult, deployGroup} from './deploy.js';
import {type Step, titleOf} from './groups.js';
import type {Session} from './session.js';

/** Groups that are published at the same time. */
const AT_ONCE = 4;

export interface ApplyResult {
  deployed: readonly DeployResult[];
  failed: readonly {title: string; resources: readonly string[]; error: CloudError}[];
  /** What was not tried, because something that it needs failed. */
  skipped: readonly {title: string; resources: readonly string[]; because: string}[];
}

/**
 * Deploys groups, each after those that it needs, independent ones at the same time.
 *
 * A failure stops only what needs the failed group: the ledger says the truth of everything else, and the same command
 * goes on from there.
 */
export async function applySteps(steps: readonly Step[], options: DeployOptions): Promise<ApplyResult> {
  const {default: pLimit} = await import('p-limit');
  const limit = pLimit(AT_ONCE);
  const deployed = new Map<Step, readonly DeployResult[]>();
  const failed: {title: string; resources: readonly string[]; error: CloudError}[] = [];
  const skipped: {title: string; resources: readonly string[]; because: string}[] = [];
  const running = new Map<Step, Promise<boolean>>();
  const run = async (step: Step): Promise<boolean> => {
    const before = await Promise.all(step.after.map(other => running.get(other)!));
    const about = {title: titleOf(step), resources: step.members.map(({resource}) => resource)};
    const culprit = step.after[before.indexOf(false)];
    if (culprit !== undefined) {
      skipped.push({...about, because: titleOf(culprit)});
      return false;
    }
    try {
      const single = steps.length === 1;
      const group = single ? step : {...step, session: named(step.session, titleOf(step))};
      deployed.set(step, await limit(() => deployGroup(group, options)));
      return true;
    } catch (error) {
      if (!isCloudError(error) || error.exitCode === EXIT.interrupted) throw error;
      failed.push({...about, error});
      return false;
    }
  };
  // `steps` are in order: what a step needs is already on its way.
  for (const step of steps) running.set(step, run(step));
  await settleAll([...running.values()]);
  return {deployed: steps.flatMap(step => deployed.get(step) ?? []), failed, skipped};
}

/** Waits for all, so that no deploy is left behind half-way, then throws the first failure. */
async function settleAll(promises: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) if (outcome.status === 'rejected') throw outcome.reason;
}

/** Several groups report at once: each stage says whose it is. */
function named(session: Session, title: string): Session {
  const report: ProgressSink = event =>
    session.host.report(
      event.kind === 'stage'
        ? {...event, id: `${title} ${event.id}`, title: `${title}: ${event.title}`}
        : {...event, id: `${title} ${event.id}`},
    );
  return {...session, context: {...session.context, report}, host: {...session.host, report}};
}

/** The error that stands for an apply of which not everything succeeded. */
export function applyError({deployed, failed, skipped}: ApplyResult, again: string): CloudError {
  const [first] = failed;
  if (deployed.length === 0 && failed.length === 1 && skipped.length === 0) return first!.error;
  const told = failed.map(({title, error}) => `${title}: ${error.message}`);
  const count = deployed.length;
  const places = new Set(deployed.map(({record: {type, app, resource}}) => placeTitle({type, app, resource}))).size;
  const counts = [
    `${failed.length} failed`,
    ...(skipped.length === 0 ? [] : [`${skipped.length} not tried`]),
    ...(places === 0 ? [] : [`${places} done`]),
  ];
  return new CloudError(
    [
      `Not everything was deployed: ${counts.join(', ')}.`,
      ...told,
      ...skipped.map(({title, because}) => `${title}: not tried, it needs ${because}`),
    ].join('\n'),
    {
      code: 'APPLY_INCOMPLETE',
      exitCode: EXIT.partial,
      hints: [
        ...failed.flatMap(({error}) => error.hints),
        count === 0 ? `Then: ${again}` : `What was deployed stays, and is in the ledger. Go on from there: ${again}`,
      ],
      data: {
        deployed: deployed.map(({record, action}) => ({type: record.type, resource: record.resource, action})),
        failed: failed.map(({resources, error}) => ({
          resources: [...resources],
          code: error.code,
          message: error.message,
        })),
        skipped: skipped.map(({resources, because}) => ({resources: [...resources], because})),
      },
    },
  );
}
