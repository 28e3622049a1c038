import {
  type AdoptOutcome,
  type AdoptRequest,
  type Change,
  type Context,
  type DeployOutcome,
  type DeployRequest,
  type DesiredResource,
  type GroupOutcome,
  type GroupPlan,
  notFoundError,
  type Observation,
  type ObserveOutcome,
  type ObserveRequest,
  type ResolvedResource,
  type ResolveInput,
  type Resource,
  type ResourceRecord,
  usageError,
} from '@cloudctl/provider-sdk';
import type {Result} from '../bridge/index.js';
import type {Modal} from '../modal.js';
import {checkObjectName} from '../names.js';
import {meterStorage} from '../prices.js';
import {seeLive} from './adopt-function.js';
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

    plan: async ({resources}: DeployRequest): Promise<GroupPlan> => ({
      resources: resources.map(resource => {
        const changes = changesOf(resource);
        const action = resource.previous === undefined ? 'create' : changes.length > 0 ? 'update' : 'none';
        return {action, changes, facts: sizeFacts(resource)};
      }),
      effects: [],
    }),

    deploy: async (request: DeployRequest, context: Context): Promise<GroupOutcome> => {
      const resources: DeployOutcome[] = [];
      for (const resource of request.resources)
        resources.push(await deployVolume(resource, modalFor(context), context));
      return {resources, siblings: []};
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
          revision: id,
          ...(createdBy === undefined ? {} : {details: {createdBy}}),
        };
      }
    },

    observe: async ({records, names}: ObserveRequest, context: Context): Promise<ObserveOutcome> => {
      const wanted = [...new Set([...names, ...records.map(({name}) => name)])];
      if (wanted.length === 0) return {observations: [], unmanaged: []};
      const bridge = await modalFor(context).bridge();
      const {volumes} = await bridge.observe({apps: [], volumes: wanted}, {signal: context.signal});
      return {
        observations: records.map(record =>
          compare(
            record,
            volumes.find(({name}) => name === record.name),
          ),
        ),
        unmanaged: volumes.flatMap(volume =>
          volume.id == null || records.some(({name}) => name === volume.name) ? [] : [toResource(volume, volume.id)],
        ),
      };
    },

    adopt: async ({name}: AdoptRequest, context: Context): Promise<AdoptOutcome> => {
      const bridge = await modalFor(context).bridge();
      const {volumes} = await bridge.observe({apps: [], volumes: [name]}, {signal: context.signal});
      const volume = volumes.find(candidate => candidate.name === name);
      if (volume?.id == null) {
        throw notFoundError('VOLUME_NOT_FOUND', `There is no volume "${name}".`, {
          provider: 'modal',
          hints: [seeLive('storage', context)],
        });
      }
      return {resource: toResource(volume, volume.id), spec: {size: null}};
    },

    meter: meterStorage,
  };
}

async function deployVolume(resource: DesiredResource, modal: Modal, context: Context): Promise<DeployOutcome> {
  const stage = {kind: 'stage', id: 'volume', title: `Volume ${resource.name}`} as const;
  context.report({...stage, state: 'running'});
  const bridge = await modal.bridge();
  const {id, name, created, createdAt, dashboardUrl} = await bridge.createVolume(
    {name: resource.name},
    {signal: context.signal},
  );
  context.report({...stage, state: 'done', detail: created ? 'created' : 'exists'});
  const {previous} = resource;
  const changed = created || changesOf(resource).length > 0;
  const found = !created && previous === undefined;
  if (found) context.warn(`The volume "${name}" existed already; it is used as it is.`);
  if (created && previous !== undefined && previous.name === name)
    context.warn(`The volume "${name}" was gone, and is there again without its files.`);
  const {size} = resource.spec as StorageSpec;
  return {
    action: created ? 'created' : changed && !found ? 'updated' : 'unchanged',
    resource: {
      id,
      name,
      type: 'storage',
      status: 'deployed',
      createdAt,
      revision: id,
      ...modal.dashboardUrl(dashboardUrl),
      details: {size, note: NO_SIZE},
    },
    spec: size === null && previous !== undefined ? previous.spec : resource.spec,
  };
}

/** A volume of that name with another id is another volume. */
function compare(
  {resource, name, id, createdAt}: ResourceRecord,
  live: Result<'observe'>['volumes'][number] | undefined,
): Observation {
  if (live?.id == null) {
    return {
      resource,
      status: 'missing',
      differences: [{what: `volume "${name}"`, before: 'deployed', after: 'not there'}],
    };
  }
  if (live.id === id) return {resource, status: 'deployed', differences: [], revision: id};
  const by = live.createdBy == null ? {} : {by: live.createdBy};
  const at = live.createdAt == null ? {} : {at: live.createdAt};
  return {
    resource,
    status: 'drifted',
    differences: [
      {what: 'volume', before: `${id}, created ${createdAt}`, after: `${live.id}, another one`, ...by, ...at},
    ],
    revision: live.id,
  };
}

function toResource({name, createdAt, createdBy}: Result<'observe'>['volumes'][number], id: string): Resource {
  return {
    id,
    name,
    type: 'storage',
    status: STATUS,
    createdAt: createdAt ?? '',
    revision: id,
    ...(createdBy == null ? {} : {details: {createdBy}}),
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

function changesOf({previous, spec, name}: DesiredResource): readonly Change[] {
  if (previous === undefined) return [];
  // A size that is not given again is no wish to forget it.
  const wanted = (spec as StorageSpec).size === null ? previous.spec : spec;
  return changesBetween({...previous.spec, name: previous.name}, {...wanted, name});
}

function sizeFacts({spec}: DesiredResource): {label: string; value: string}[] {
  const {size} = spec as StorageSpec;
  return size === null
    ? []
    : [{label: 'Size', value: `${size} GB (for the cost estimate; Modal volumes have no fixed size)`}];
}
