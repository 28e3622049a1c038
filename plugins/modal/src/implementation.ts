import type {Context, OperationName, ProviderImplementation} from '@cloudctl/provider-sdk';
import {Modal} from './modal.js';
import type {RESOURCES} from './resource-types.js';
import {aiHandler} from './resources/ai.js';
import {storageHandler} from './resources/storage.js';

/** Operations that only read what this machine already knows. */
const OFFLINE: ReadonlySet<OperationName> = new Set(['meter', 'destroy']);

/** The working part of the provider. Nothing is started before an operation asks for it, or `prepare` announces one. */
export function implement(): ProviderImplementation<typeof RESOURCES> {
  const connections = new Map<string, Modal>();
  const modalFor = (context: Context): Modal => {
    const key = `${context.target} ${context.environment['MODAL_ENVIRONMENT'] ?? ''}`;
    let modal = connections.get(key);
    if (modal === undefined) {
      modal = new Modal(context);
      connections.set(key, modal);
    }
    return modal;
  };
  return {
    resources: {ai: aiHandler(modalFor), storage: storageHandler(modalFor)},
    scope: context => modalFor(context).scope(),
    prepare: (operation, context) => {
      if (!OFFLINE.has(operation)) modalFor(context).prepare(operation !== 'observe');
    },
    verify: context => modalFor(context).identity(),
    ownProfile: async (name, environment) => (await import('./own-profile.js')).readOwnProfile(name, environment),
    discover: async (project, context) => {
      const {discover} = await import('./discover.js');
      return discover(project, await modalFor(context).bridge(), context.signal);
    },
    prices: async () => (await import('./prices.js')).PRICES,
    views: {
      list: async (view, terminal) => (await import('#ink')).drawList(view, terminal),
      cost: async (view, terminal) => (await import('#ink')).drawCost(view, terminal),
    },
    dispose: async () => {
      await Promise.all([...connections.values()].map(modal => modal.close()));
    },
  };
}
