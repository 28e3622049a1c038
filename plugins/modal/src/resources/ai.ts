import {
  type AdoptOutcome,
  type AdoptRequest,
  type CallOutcome,
  type CallRequest,
  CloudError,
  type Context,
  type DeployOutcome,
  type DeployRequest,
  type DesiredResource,
  type GroupOutcome,
  type GroupPlan,
  isCloudError,
  type JsonValue,
  type ObserveOutcome,
  type ObserveRequest,
  type Plan,
  type ResolveInput,
  type Resource,
  type ResourceRecord,
  type Spec,
  usageError,
} from '@cloudctl/provider-sdk';
import type {FunctionRequest, Result, Signature} from '../bridge/index.js';
import type {Modal} from '../modal.js';
import {HTTP_SUFFIX} from '../names.js';
import {meterAi} from '../prices.js';
import {adoptFunction} from './adopt-function.js';
import {type AiSpec, resolveAi} from './ai-spec.js';
import {changesBetween} from './changes.js';
import {Channel} from './channel.js';
import {examine} from './examined.js';
import {siblingFunction, specOf, toFunction} from './function-request.js';
import {observeFunctions, revisionOf} from './observe-functions.js';

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

    plan: async (request: DeployRequest, context: Context): Promise<GroupPlan> => {
      const modal = modalFor(context);
      const resources = await Promise.all(request.resources.map(resource => planFunction(resource, modal, context)));
      const effects = request.siblings.map(sibling => effectOn(sibling, request.replace));
      return {resources, effects};
    },

    deploy: async (request: DeployRequest, context: Context): Promise<GroupOutcome> => {
      const modal = modalFor(context);
      const bridge = await modal.bridge();
      for (const resource of request.resources) warnAboutGpu(specOf(resource), context);
      const neighbours = request.siblings.flatMap(sibling => siblingFunction(sibling, context));
      const functions = [
        ...request.resources.map(({name, resource, spec, package: source}) =>
          toFunction(name, resource, spec as unknown as AiSpec, source!),
        ),
        ...neighbours,
      ];
      const targets = request.resources.map(({name}) => name);
      const {name, version} = context.client;
      const result = await bridge.deployApp(
        {
          app: request.app!,
          functions,
          targets,
          known: request.resources.filter(({previous}) => previous?.app === request.app).map(resource => resource.name),
          replace: request.replace,
          client: `${name}/${version}`,
        },
        {signal: context.signal, onProgress: modal.progressOf(context)},
      );
      warnOf(
        targets,
        result.warnings.map(warning => ofTheFunction(warning, functions)),
        functions,
        context,
      );
      if (result.carried.length > 0)
        context.warn(`Deployed elsewhere and kept as they are: ${result.carried.join(', ')}.`);
      const revision = result.version === undefined ? undefined : revisionOf(result.appId, result.version);
      return {
        resources: request.resources.map(resource => outcomeOf(resource, request.app!, result, modal, revision)),
        siblings:
          revision === undefined
            ? []
            : request.siblings
                // What was carried is newer than what the ledger has of it.
                .filter(sibling => neighbours.some(({name}) => name === sibling.name))
                .filter(sibling => !result.carried.includes(sibling.name))
                .map(({resource}) => ({resource, revision})),
      };
    },

    list: async function* (_request: unknown, context: Context): AsyncGenerator<Resource> {
      const modal = modalFor(context);
      const bridge = await modal.bridge();
      const {functions, warnings} = await bridge.listFunctions({signal: context.signal});
      for (const warning of warnings) context.warn(warning);
      if (context.target !== 'local') context.warn(PARTIAL_LIST);
      for (const {appId, dashboardUrl, version, deployedAt, deployedBy, ...known} of functions) {
        yield {
          ...known,
          ...modal.dashboardUrl(dashboardUrl, appId),
          type: 'ai',
          ...(version == null ? {} : {revision: revisionOf(appId, version)}),
          details: {
            appId,
            ...(version == null ? {} : {appVersion: version}),
            ...(deployedAt == null ? {} : {deployedAt}),
            ...(deployedBy == null ? {} : {deployedBy}),
          },
        };
      }
    },

    observe: async (request: ObserveRequest, context: Context): Promise<ObserveOutcome> =>
      observeFunctions(request, modalFor(context), context),

    adopt: async (request: AdoptRequest, context: Context): Promise<AdoptOutcome> =>
      adoptFunction(request, modalFor(context), context),

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

async function planFunction(resource: DesiredResource, modal: Modal, context: Context): Promise<Plan> {
  const spec = specOf(resource);
  const {signature, warnings} = await examine(resource, modal, context);
  for (const warning of warnings) context.warn(warning);
  checkSchedule(resource.name, spec, signature);
  warnAboutGpu(spec, context);
  const {previous} = resource;
  const changes = previous === undefined ? [] : changesBetween(comparable(previous), comparable(resource));
  return {
    action: previous === undefined ? 'create' : changes.length > 0 ? 'update' : 'none',
    changes,
    facts: factsOf(spec, signature),
  };
}

/** What a person looks for in a plan; every change of any field stands in `changes`. */
function factsOf(spec: AiSpec, signature: Signature): Plan['facts'] {
  const {image, requirements, extras, cpu, memory, gpu, timeout, volumes, secrets, schedule} = spec;
  const needs = requirements === null ? [] : [[requirements, ...extras.map(extra => `extra ${extra}`)].join(', ')];
  const size = [`${cpu} cores`, `${memory} MiB`, ...(gpu === null ? [] : [`GPU ${gpu}`]), `time-out ${timeout} s`];
  const mounts = volumes.length === 0 ? [] : [volumes.map(({name, path}) => `${name} at ${path}`).join(', ')];
  const fact = (label: string, values: readonly string[]) => values.map(value => ({label, value}));
  return [
    ...fact('Handler', [describe(spec.handler, signature)]),
    ...fact('Image', [image]),
    ...fact('Requirements', needs),
    ...fact('Size', [size.join(', ')]),
    ...fact('Volumes', mounts),
    ...fact('Secrets', secrets.length === 0 ? [] : [secrets.join(', ')]),
    ...fact('Schedule', schedule === null ? [] : [schedule]),
  ];
}

/** Refused by the child as well; here it is part of a preview. */
function checkSchedule(name: string, {schedule, handler}: AiSpec, {parameters}: Signature): void {
  const required = parameters.filter(parameter => parameter.required).map(parameter => parameter.name);
  if (schedule === null || required.length === 0) return;
  throw usageError('SCHEDULE_NEEDS_DEFAULTS', `"${name}" has a schedule, so ${handler} must work without arguments.`, {
    provider: 'modal',
    hints: [`Give ${required.join(', ')} a default.`],
  });
}

function effectOn({name, adopted, package: source}: ResourceRecord, replace: boolean): string {
  if (adopted === true && source === undefined) {
    return replace
      ? `"${name}" in the same app was adopted without its code, and would be dropped (--replace)`
      : `"${name}" in the same app was adopted without its code and would be dropped: refused without --replace`;
  }
  return `"${name}" in the same app is published again from its snapshot, unchanged`;
}

function outcomeOf(
  {name, previous, spec}: DesiredResource,
  app: string,
  {functions, appId, deployedAt}: Result<'deployApp'>,
  modal: Modal,
  revision: string | undefined,
): DeployOutcome {
  const deployed = functions.find(candidate => candidate.name === name)!;
  return {
    action: previous === undefined ? 'created' : 'updated',
    resource: {
      id: deployed.id,
      name,
      type: 'ai',
      app,
      status: 'deployed',
      createdAt: previous?.id === deployed.id ? previous.createdAt : new Date().toISOString(),
      ...modal.dashboardUrl(deployed.dashboardUrl, appId),
      ...(deployed.url == null ? {} : {url: deployed.url}),
      ...(revision === undefined ? {} : {revision}),
      details: {appId},
    },
    ...(deployedAt === undefined ? {} : {deployedAt}),
    // The signature tells `call` how to pass its input on.
    spec: {...spec, signature: deployed.signature as unknown as JsonValue},
  };
}

/** What is said of a function's HTTP companion is said of the function: the companion is part of it. */
function ofTheFunction(warning: string, functions: readonly FunctionRequest[]): string {
  return functions.reduce((text, {name}) => text.replaceAll(`'${name}${HTTP_SUFFIX}'`, `'${name}'`), warning);
}

/** Warnings about what was asked for; what holds for its neighbours was said when they were deployed. */
function warnOf(
  names: readonly string[],
  warnings: readonly string[],
  functions: readonly FunctionRequest[],
  context: Context,
): void {
  const others = functions.map(other => other.name).filter(other => !names.includes(other));
  const speaksOf = (warning: string, of: readonly string[]): boolean => of.some(name => warning.includes(`'${name}'`));
  const ofOthers = new Set(warnings.filter(warning => !speaksOf(warning, names) && speaksOf(warning, others)));
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

/** What makes two deployments of a function differ: spec, names, code. */
function comparable(of: DesiredResource | ResourceRecord): Spec {
  const {signature: _, ...spec} = of.spec;
  // Records of older versions have no extras.
  return {extras: [], ...spec, name: of.name, app: of.app ?? null, code: of.package?.digest ?? null};
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
