import {existsSync} from 'node:fs';
import {
  type CallOutcome,
  type CallRequest,
  CloudError,
  type Context,
  type DeployOutcome,
  type DeployRequest,
  environmentError,
  isCloudError,
  type JsonValue,
  type Plan,
  type ResolveInput,
  type Resource,
  type ResourceRecord,
  type SourcePackage,
  type Spec,
} from '@cloudctl/provider-sdk';
import type {FunctionRequest, Image, Signature} from '../bridge/index.js';
import type {Modal} from '../modal.js';
import {HTTP_SUFFIX} from '../names.js';
import {meterAi} from '../prices.js';
import {pythonOf} from '../runtimes.js';
import {type AiSpec, resolveAi} from './ai-spec.js';
import {changesBetween} from './changes.js';
import {Channel} from './channel.js';

/** GPUs in Modal's documentation. Others are passed on with a word, because Modal adds new ones. */
const KNOWN_GPUS = new Set(
  'T4 L4 A10 A10G L40S A100 A100-40GB A100-80GB RTX-PRO-6000 H100 H100! H200 B200 B200+ B300 ANY'.split(' '),
);

/** Said where it may matter: Local Modal shows all that it has. */
const PARTIAL_LIST =
  'Modal has no list of functions; these are read from its list of apps, which leaves out apps that stopped some time ago.';

const KINDS: Readonly<Record<Signature['kind'], string>> = {
  sync: 'function',
  async: 'async function',
  generator: 'generator',
  asyncGenerator: 'async generator',
  unknown: 'imported or assigned name',
};

export function aiHandler(modalFor: (context: Context) => Modal) {
  return {
    resolve: async (input: ResolveInput) => resolveAi(input),

    plan: async (request: DeployRequest, context: Context): Promise<Plan> => {
      const bridge = await modalFor(context).bridge();
      const {handler} = specOf(request);
      const signature = await bridge.inspect(
        {directory: request.package!.directory, handler},
        {signal: context.signal},
      );
      warnAboutGpu(specOf(request), context);
      const {previous, siblings} = request;
      const changes = previous === undefined ? [] : changesBetween(comparable(previous), comparable(request));
      const effects = siblings.map(
        ({name}) => `"${name}" in the same app is published again from its snapshot, unchanged`,
      );
      return {
        action: previous === undefined ? 'create' : changes.length > 0 ? 'update' : 'none',
        changes,
        effects,
        facts: [{label: 'Handler', value: describe(handler, signature)}],
      };
    },

    deploy: async (request: DeployRequest, context: Context): Promise<DeployOutcome> => {
      const modal = modalFor(context);
      const bridge = await modal.bridge();
      const spec = specOf(request);
      warnAboutGpu(spec, context);
      const functions = [
        toFunction(request.name, request.resource, spec, request.package!),
        ...request.siblings.flatMap(sibling => siblingFunction(sibling, context)),
      ];
      const {name, version} = context.client;
      const result = await bridge.deployApp(
        {app: request.app!, functions, target: request.name, replace: request.replace, client: `${name}/${version}`},
        {signal: context.signal, onProgress: modal.onProgress},
      );
      warnOf(
        request.name,
        result.warnings.map(warning => ofTheFunction(warning, functions)),
        functions,
        context,
      );
      if (result.carried.length > 0)
        context.warn(`Deployed elsewhere and kept as they are: ${result.carried.join(', ')}.`);
      const deployed = result.functions.find(candidate => candidate.name === request.name)!;
      return {
        action: request.previous === undefined ? 'created' : 'updated',
        resource: {
          id: deployed.id,
          name: deployed.name,
          type: 'ai',
          app: request.app!,
          status: 'deployed',
          createdAt: request.previous?.id === deployed.id ? request.previous.createdAt : new Date().toISOString(),
          ...modal.dashboardUrl(deployed.dashboardUrl, result.appId),
          ...(deployed.url === undefined ? {} : {url: deployed.url}),
          details: {appId: result.appId},
        },
        ...(result.deployedAt === undefined ? {} : {deployedAt: result.deployedAt}),
        // The signature tells `call` how to pass its input on.
        spec: {...request.spec, signature: deployed.signature as unknown as JsonValue},
      };
    },

    list: async function* (_request: unknown, context: Context): AsyncGenerator<Resource> {
      const modal = modalFor(context);
      const bridge = await modal.bridge();
      const {functions, warnings} = await bridge.listFunctions({signal: context.signal});
      for (const warning of warnings) context.warn(warning);
      if (context.target !== 'local') context.warn(PARTIAL_LIST);
      for (const {appId, dashboardUrl, ...known} of functions) {
        yield {...known, ...modal.dashboardUrl(dashboardUrl, appId), type: 'ai', details: {appId}};
      }
    },

    call: async function* (request: CallRequest, context: Context): AsyncGenerator<JsonValue, CallOutcome> {
      const bridge = await modalFor(context).bridge();
      const channel = new Channel<JsonValue>();
      const signature = request.record?.spec['signature'] as Signature | undefined;
      const {input} = request;
      const reply = bridge
        .call(
          {
            app: request.app!,
            function: request.name,
            hasInput: input !== undefined,
            ...(input === undefined ? {} : {input: input.value}),
            ...(signature === undefined ? {} : {signature}),
          },
          {signal: context.signal, onItem: value => channel.push(value as JsonValue)},
        )
        .finally(() => channel.end());
      // Whoever stops reading early must not be met by an unhandled rejection.
      reply.catch(() => undefined);
      yield* channel;
      const {value, items} = await reply.catch((error: unknown) => {
        throw withLocalHint(error, context);
      });
      return {kind: items === undefined ? 'value' : 'items', value};
    },

    meter: meterAi,
  };
}

/** What is said of a function's HTTP companion is said of the function: the companion is part of it. */
function ofTheFunction(warning: string, functions: readonly FunctionRequest[]): string {
  return functions.reduce((text, {name}) => text.replaceAll(`'${name}${HTTP_SUFFIX}'`, `'${name}'`), warning);
}

/** Warnings about the function itself; what holds for its neighbours was said when they were deployed. */
function warnOf(
  name: string,
  warnings: readonly string[],
  functions: readonly FunctionRequest[],
  context: Context,
): void {
  const others = functions.map(other => other.name).filter(other => other !== name);
  const ofOthers = new Set(
    warnings.filter(warning => !warning.includes(`'${name}'`) && others.some(other => warning.includes(`'${other}'`))),
  );
  for (const warning of warnings) if (!ofOthers.has(warning)) context.warn(warning);
  if (ofOthers.size > 0) context.debug(`about other functions of the app: ${[...ofOthers].join(' ')}`);
}

/** Local Modal builds no image: a module that is missing there may well be in the requirements. */
function withLocalHint(error: unknown, context: Context): unknown {
  if (context.target !== 'local' || !isCloudError(error) || error.data?.['type'] !== 'ModuleNotFoundError')
    return error;
  const {message, code, exitCode, hints, data} = error;
  const missing =
    'Local Modal does not install requirements; it runs functions in the Python environment of the plugin.';
  return new CloudError(message, {
    code,
    exitCode,
    provider: 'modal',
    hints: [
      ...hints,
      missing,
      'Install it there: cloudctl modal setup shows the path; then PATH -m pip install MODULE',
    ],
    data,
  });
}

function specOf(request: {spec: Spec}): AiSpec {
  return request.spec as unknown as AiSpec;
}

/** What makes two deployments of a function differ: spec, names, code. */
function comparable(of: DeployRequest | ResourceRecord): Spec {
  const {signature: _, ...spec} = of.spec;
  return {...spec, name: of.name, app: of.app ?? null, code: of.package?.digest ?? null};
}

function describe(handler: string, {kind, parameters, file, line}: Signature): string {
  const names = parameters.map(({name, kind: form}) =>
    form === 'varPositional' ? `*${name}` : form === 'varKeyword' ? `**${name}` : name,
  );
  return `${handler}(${names.join(', ')}), ${KINDS[kind]} in ${file}:${line}`;
}

function warnAboutGpu({gpu}: AiSpec, context: Context): void {
  if (gpu !== null && !KNOWN_GPUS.has(gpu.split(':')[0]!))
    context.warn(`"${gpu}" is not a GPU that Modal documents; Modal decides when a container starts.`);
}

function imageOf({image, runtime}: AiSpec): Image {
  const own = /^modal\/python:(.+)$/.exec(image)?.[1];
  if (own !== undefined) return {kind: 'modal', python: own};
  // An image that is called after a Python has one; Modal adds the runtime's to any other.
  const bringsPython = /(^|\/)python(:|$)/.test(image);
  return {kind: 'registry', reference: image, ...(bringsPython ? {} : {python: pythonOf(runtime)!})};
}

function toFunction(name: string, resource: string, given: AiSpec, source: SourcePackage): FunctionRequest {
  // What a deployment added is not part of what is asked for.
  const {signature: _, ...spec} = given as AiSpec & {signature?: JsonValue};
  const {runtime: _runtime, image: _image, ...options} = spec;
  return {
    ...options,
    name,
    package: {digest: source.digest, directory: source.directory},
    image: imageOf(spec),
    spec: {resource, type: 'ai', spec: spec as unknown as JsonValue},
  };
}

/** A neighbour as it was deployed. One whose snapshot is gone is left to the deployment's own records. */
function siblingFunction(sibling: ResourceRecord, context: Context): FunctionRequest[] {
  const source = sibling.package;
  if (source === undefined)
    throw environmentError('LEDGER_DAMAGED', `The ledger knows no package of "${sibling.resource}".`, {
      hints: ['Deploy it again first.'],
    });
  if (!existsSync(source.directory)) {
    context.debug(`the snapshot of ${sibling.resource} is gone: ${source.directory}`);
    return [];
  }
  return [
    {
      ...toFunction(sibling.name, sibling.resource, sibling.spec as unknown as AiSpec, source),
      deployedAt: sibling.deployedAt,
    },
  ];
}
