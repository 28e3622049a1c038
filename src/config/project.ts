import {basename, dirname, resolve} from 'node:path';
import type {ProviderDefinition} from '@cloudctl/provider-sdk';
import {Checker, checkVersion, entriesOf, textOf} from './check.js';
import {Composer, type DeclaredResource, type Overlay} from './compose.js';
import {Interpolation} from './interpolation.js';
import {below, Problems, placesIn, quote, suggest} from './problems.js';
import {readProjectText} from './project-file.js';
import {SecretGuard} from './secrets.js';
import {ValueReader} from './values.js';
import {parseTree, type TreeMap} from './yaml-tree.js';

export type {DeclaredResource} from './compose.js';
export {findProjectFile, PROJECT_FILE, type ProjectFile} from './project-file.js';

export interface ProjectOptions {
  /** `--environment`: the overlay to lay on the base. */
  environment?: string | undefined;
  /** Environment variables that the file may refer to. */
  variables: Readonly<Record<string, string | undefined>>;
  /** The provider of that name; nothing where it is not installed. */
  providers: (name: string) => ProviderDefinition | undefined | Promise<ProviderDefinition | undefined>;
  /** Where the file does not say: the user's choice, or the only one that is installed. */
  defaultProvider?: string | undefined;
  /** The file's name as people are to see it. */
  shown?: string;
}

export interface Project {
  /** Absolute. */
  file: string;
  /** Absolute; the file's folder. */
  directory: string;
  /** The default of every resource. */
  provider: string;
  target?: string;
  /** The provider's environment. */
  environment?: string;
  profile?: string;
  /** The overlay that was chosen. */
  overlay?: string;
  /** All overlays of the file, by name. */
  overlays: readonly string[];
  /** In the file's order. */
  resources: readonly DeclaredResource[];
}

/**
 * Reads `cloudctl.yaml`.
 *
 * @throws CloudError that tells all that is wrong, each with line and column, and lists it in `data.problems`. Exit
 * code 2, or 3 where the first of them is something that is not there: the file, a provider, a source directory.
 */
export async function loadProject(file: string, options: ProjectOptions): Promise<Project> {
  const shown = options.shown ?? basename(file);
  const text = await readProjectText(file, shown);
  const problems = new Problems(shown);
  await refuseCredentials(text, options, problems);
  const root = await parseTree(text, problems);
  if (root === undefined && !problems.any)
    problems.add({line: 1, column: 1}, '', 'the file is empty', {hints: ['Write it anew: cloudctl init --force']});
  else if (root !== undefined && root.kind !== 'map')
    problems.add(root.position, '', 'takes a mapping: it begins with "version: 1"');
  problems.throwIfAny();
  const map = root as TreeMap;
  if (!checkVersion(map, problems)) problems.throwIfAny();
  const overlay = chosenOverlay(map, options.environment, problems);
  problems.throwIfAny();
  const definitions = await definitionsOf(map, options);
  const interpolation = new Interpolation(options.variables, new SecretGuard([...definitions.values()]));
  const provider = textOf(map.entries.get('provider')) ?? options.defaultProvider;
  const checker = new Checker(map, definitions, provider, new ValueReader(problems, interpolation, 'leave'), problems);
  checker.check();
  const reader = new ValueReader(problems, interpolation, 'apply');
  const composer = new Composer(map, overlay, dirname(resolve(file)), checker, reader, problems);
  const resources = await composer.resources();
  const texts = composer.texts();
  if (texts.target !== undefined) checker.target(texts.target);
  problems.throwIfAny();
  const {target, environment, profile} = texts;
  return {
    file: resolve(file),
    directory: dirname(resolve(file)),
    provider: provider!,
    ...(target === undefined ? {} : {target: target.text}),
    ...(environment === undefined ? {} : {environment: environment.text}),
    ...(profile === undefined ? {} : {profile: profile.text}),
    ...(overlay === undefined ? {} : {overlay: overlay.name}),
    overlays: [...entriesOf(map.entries.get('environments')?.value).keys()],
    resources,
  };
}

/** Looks at the bare text first: comments and keys have credentials too, and no message is to repeat them. */
async function refuseCredentials(text: string, options: ProjectOptions, problems: Problems): Promise<void> {
  const named = [...text.matchAll(/\bprovider["']?\s*:\s*["']?([a-z0-9][a-z0-9-]*)/g)].map(([, name]) => name!);
  const names = new Set([
    ...named.slice(0, 100),
    ...(options.defaultProvider === undefined ? [] : [options.defaultProvider]),
  ]);
  const providers: ProviderDefinition[] = [];
  for (const name of names) {
    const definition = await options.providers(name);
    if (definition !== undefined) providers.push(definition);
  }
  const at = placesIn(text);
  for (const {offset, refusal} of new SecretGuard(providers).find(text)) {
    problems.add(at(offset), '', refusal.message, refusal);
  }
  problems.throwIfAny();
}

function chosenOverlay(root: TreeMap, name: string | undefined, problems: Problems): Overlay | undefined {
  if (name === undefined) return undefined;
  const all = root.entries.get('environments');
  const entry = entriesOf(all?.value).get(name);
  if (entry !== undefined) return {name, path: below('environments', name), entries: entriesOf(entry.value)};
  const names = [...entriesOf(all?.value).keys()];
  const near = names.length === 0 ? ' The file has none.' : suggest(name, names, 'Environments');
  problems.add(
    all?.position ?? {line: 1, column: 1},
    'environments',
    `there is no environment ${quote(name)}.${near}`,
    {
      code: 'UNKNOWN_ENVIRONMENT',
      hints: names.length === 0 ? [] : [`Environments: ${names.join(', ')}`],
    },
  );
  return undefined;
}

/** The providers that the file names, as far as they are installed. */
async function definitionsOf(root: TreeMap, options: ProjectOptions): Promise<Map<string, ProviderDefinition>> {
  const environments = [...entriesOf(root.entries.get('environments')?.value).values()];
  const parts = [root.entries, ...environments.map(({value}) => entriesOf(value))];
  const resources = parts.flatMap(part => [...entriesOf(part.get('resources')?.value).values()]);
  const names = new Set([
    textOf(root.entries.get('provider')) ?? options.defaultProvider,
    ...resources.map(({value}) => textOf(entriesOf(value).get('provider'))),
  ]);
  const definitions = new Map<string, ProviderDefinition>();
  for (const name of names) {
    const definition = name === undefined ? undefined : await options.providers(name);
    if (definition !== undefined) definitions.set(name!, definition);
  }
  return definitions;
}
