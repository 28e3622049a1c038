import {
  defineProvider,
  type OperationDeclarations,
  type ProviderImplementation,
  supported,
  unsupported,
} from '@cloudctl/provider-sdk';
import {expect, test} from '@jest/globals';

const operations = {
  plan: supported(),
  deploy: supported(),
  list: supported(),
  observe: supported(),
  adopt: unsupported('there is nothing to adopt', () => []),
  meter: supported(),
  call: unsupported('it cannot be called', () => []),
  destroy: unsupported('nobody may', ({resource}) => [`leave ${resource} alone`]),
} as const satisfies OperationDeclarations;

const about = {
  contract: 1,
  name: 'disk',
  title: 'Disk',
  summary: 'directories',
  targets: [{name: 'here', summary: 'this machine', credentials: false}],
  credentials: [],
} as const;

const resources = {storage: {title: 'directory', summary: '', source: false, flags: {}, operations}} as const;

type Disk = ProviderImplementation<typeof resources>;
type Handler = Disk['resources']['storage'];

const handler: Handler = {
  resolve: async ({resource}) => ({name: resource, spec: {}}),
  plan: async () => ({resources: [{action: 'create', changes: [], facts: []}], effects: []}),
  deploy: async ({resources: wanted}) => ({
    resources: wanted.map(({name}) => ({
      action: 'created',
      resource: {id: '1', name, type: 'storage', status: 'ready', createdAt: '2026-01-01T00:00:00Z'},
    })),
    siblings: [],
  }),
  observe: async () => ({observations: [], unmanaged: []}),
  list: async function* () {},
  meter: () => ({facts: [], usage: []}),
};

const rest = {
  scope: async () => ({workspace: 'here', environment: 'main'}),
  prices: async () => ({version: '1', date: '2026-01-01', currency: 'USD', source: 'nobody', rates: {}}),
  dispose: async () => undefined,
};

test('a provider with the methods that it declares', async () => {
  const provider = defineProvider({...about, resources, load: async () => ({...rest, resources: {storage: handler}})});
  expect(Object.keys((await provider.load()).resources)).toEqual(['storage']);
});

// What follows is checked by the compiler, in `npm run lint`: each marked line must be an error.
test('declaring an operation without its method does not compile', () => {
  const {deploy: _, ...without} = handler;
  // @ts-expect-error deploy is declared as supported and missing
  defineProvider({...about, resources, load: async () => ({...rest, resources: {storage: without}})});
  // @ts-expect-error a type is declared and has no handler
  defineProvider({...about, resources, load: async () => ({...rest, resources: {}})});
  const {list: __, ...less} = operations;
  // @ts-expect-error every operation must be declared, one way or the other
  const type: ResourceTypeDefinition = {...resources.storage, operations: less};
  expect(type.operations).not.toHaveProperty('list');
  expect('call' in handler).toBe(false);
});
