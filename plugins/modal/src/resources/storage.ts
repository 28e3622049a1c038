import {
  type Change,
  type Context,
  type DeployOutcome,
  type DeployRequest,
  type Plan,
  type ResolvedResource,
  type ResolveInput,
  type Resource,
  usageError,
} from '@cloudctl/provider-sdk';
import type {Modal} from '../modal.js';
import {checkObjectName} from '../names.js';
import {meterStorage} from '../prices.js';
import {changesBetween} from './changes.js';

/** A volume as CloudCTL records it. */
export type StorageSpec = {
  /** GB, as the user plans it; Modal knows no size. */
  readonly size: number | null;
};

/** Volumes have no state of their own on Modal. */
const STATUS = 'ready';

const NO_SIZE = 'Modal volumes have no fixed size and no quota; the size is for the cost estimate.';

export function storageHandler(modalFor: (context: Context) => Modal) {
  return {
    resolve: async (input: ResolveInput): Promise<ResolvedResource> => resolveStorage(input),

    plan: async (request: DeployRequest): Promise<Plan> => {
      const changes = changesOf(request);
      const action = request.previous === undefined ? 'create' : changes.length > 0 ? 'update' : 'none';
      return {action, changes, effects: [], facts: sizeFacts(request)};
    },

    deploy: async (request: DeployRequest, context: Context): Promise<DeployOutcome> => {
      const title = `Volume ${request.name}`;
      context.report({kind: 'stage', id: 'volume', title, state: 'running'});
      const modal = modalFor(context);
      const bridge = await modal.bridge();
      const {id, name, created, createdAt, dashboardUrl} = await bridge.createVolume(
        {name: request.name},
        {signal: context.signal},
      );
      context.report({kind: 'stage', id: 'volume', title, state: 'done', detail: created ? 'created' : 'exists'});
      const changed = created || changesOf(request).length > 0;
      const adopted = !created && request.previous === undefined;
      if (adopted) context.warn(`The volume "${name}" existed already; it is used as it is.`);
      return {
        action: created ? 'created' : changed && !adopted ? 'updated' : 'unchanged',
        resource: {
          id,
          name,
          type: 'storage',
          status: STATUS,
          createdAt,
          ...modal.dashboardUrl(dashboardUrl),
          details: {size: (request.spec as StorageSpec).size, note: NO_SIZE},
        },
        spec:
          (request.spec as StorageSpec).size === null && request.previous !== undefined
            ? request.previous.spec
            : request.spec,
      };
    },

    list: async function* (_request: unknown, context: Context): AsyncGenerator<Resource> {
      const bridge = await modalFor(context).bridge();
      const {volumes, warnings} = await bridge.listVolumes({signal: context.signal});
      for (const warning of warnings) context.warn(warning);
      for (const {id, name, createdAt, createdBy} of volumes) {
        yield {
          id,
          name,
          type: 'storage',
          status: STATUS,
          createdAt,
          ...(createdBy === undefined ? {} : {details: {createdBy}}),
        };
      }
    },

    meter: meterStorage,
  };
}

function resolveStorage({resource, name, options}: ResolveInput): ResolvedResource {
  const size = options['size'] as number | undefined;
  if (size !== undefined && size <= 0) {
    throw usageError('BAD_FLAG_VALUE', `--size takes a positive number of GB, not ${size}.`, {
      hints: ['For example: --size 100'],
    });
  }
  return {name: checkObjectName('volume', name ?? resource), spec: {size: size ?? null}};
}

function changesOf({previous, spec, name}: DeployRequest): readonly Change[] {
  if (previous === undefined) return [];
  // A size that is not given again is no wish to forget it.
  const wanted = (spec as StorageSpec).size === null ? previous.spec : spec;
  return changesBetween({...previous.spec, name: previous.name}, {...wanted, name});
}

function sizeFacts({spec}: DeployRequest): {label: string; value: string}[] {
  const {size} = spec as StorageSpec;
  return size === null
    ? []
    : [{label: 'Size', value: `${size} GB (for the cost estimate; Modal volumes have no fixed size)`}];
}
