import {type Dirent, readdirSync} from 'node:fs';
import {stat, writeFile} from 'node:fs/promises';
import {basename, dirname, join, relative, resolve} from 'node:path';
import {
  type Discovery,
  environmentError,
  type Fact,
  isCloudError,
  notFoundError,
  type ResourceTypeDefinition,
  usageError,
} from '@cloudctl/provider-sdk';
import {PROJECT_FILE} from '../config/project.js';
import {IgnoreRules, looksLikeSecret} from '../packaging/rules.js';
import {walkProject} from '../packaging/walk.js';
import {handlerOf} from '../providers/loading.js';
import {type InitResource, initText} from './init-text.js';
import type {Host, Session} from './session.js';

export type {InitResource} from './init-text.js';

export interface InitInput {
  /** Relative to the working directory; `cloudctl.yaml` where absent. Its folder is the project. */
  file?: string | undefined;
  /** Put another file in its place. */
  force: boolean;
  /** Write nothing. */
  dryRun: boolean;
  /** For all functions, instead of what the project's folder is called. */
  app?: string | undefined;
  /** Written to the file where the user said so. */
  target?: string | undefined;
  profile?: string | undefined;
}

export interface InitResult {
  /** As people see it from where they stand. */
  file: string;
  written: boolean;
  text: string;
  resources: readonly InitResource[];
  facts: readonly Fact[];
}

/** How far into a project is looked that cannot be packaged yet. */
const DEEPEST = 6;
const MOST_FILES = 5000;

/** Functions whose name says nothing about what they do; their module's may. */
const NAMELESS = /^(?:handler|main|run|app|index|function|lambda_handler|__init__|__main__)$/;

/**
 * Writes a `cloudctl.yaml` by looking at the project.
 *
 * Of the functions that are found the likeliest is declared; the others stand in comments, so that nothing is deployed
 * that nobody meant.
 *
 * @throws CloudError with exit code 2 where the file exists, 3 where its folder does not.
 */
export async function initProject(session: Session, input: InitInput): Promise<InitResult> {
  const {host, definition} = session;
  const file = resolve(host.workingDirectory, input.file ?? PROJECT_FILE);
  const shown = input.file ?? PROJECT_FILE;
  if (!input.dryRun) await checkPlace(file, shown, input);
  const directory = dirname(file);
  const found = await look(session, directory);
  if (input.app !== undefined) await checkApp(session, found.type, input.app, directory);
  const resources = named(found, basename(directory));
  const {choices, facts} = found;
  const options = input.app === undefined ? found.options : {...found.options, app: input.app};
  const {target, profile} = input;
  const text = initText({definition, target, profile, type: found.type, resources, options, choices});
  if (!input.dryRun) await write(file, shown, text, input.force);
  return {file: shown, written: !input.dryRun, text, resources, facts};
}

async function checkPlace(file: string, shown: string, {force}: InitInput): Promise<void> {
  const exists = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );
  const directory = dirname(file);
  if (!(await exists(directory)))
    throw notFoundError('DIRECTORY_NOT_FOUND', `There is no directory for ${shown}.`, {
      hints: [`Make it first: mkdir -p '${dirname(shown)}'`],
    });
  if (!force && (await exists(file))) throw alreadyThere(shown);
  // One folder with both would be refused by every command that reads them.
  const twin = join(directory, 'cloudctl.yml');
  if (basename(file) === PROJECT_FILE && (await exists(twin))) {
    throw usageError('FILE_EXISTS', `There is a ${join(dirname(shown), 'cloudctl.yml')} already.`, {
      hints: ['Rename or remove it first.', 'See what would be written: cloudctl init --dry-run'],
    });
  }
}

function alreadyThere(shown: string): Error {
  const flag = shown === PROJECT_FILE ? '' : ` --file ${shown}`;
  return usageError('FILE_EXISTS', `${shown} exists already; nothing was written.`, {
    hints: [
      `See what would be written: cloudctl init${flag} --dry-run`,
      `Put it in its place: cloudctl init${flag} --force`,
    ],
  });
}

async function write(file: string, shown: string, text: string, force: boolean): Promise<void> {
  try {
    await writeFile(file, text, {flag: force ? 'w' : 'wx'});
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw alreadyThere(shown);
    throw environmentError('FILE_NOT_WRITTEN', `${shown} cannot be written: ${message}`, {
      hints: ['See what would be written: cloudctl init --dry-run'],
      cause: error,
    });
  }
}

/** @throws CloudError with exit code 2 for a name that the provider would refuse later. */
async function checkApp(
  {definition, implementation}: Session,
  type: string,
  app: string,
  sourceDirectory: string,
): Promise<void> {
  const {flags} = (definition.resources as Readonly<Record<string, ResourceTypeDefinition>>)[type]!;
  if (!('app' in flags))
    throw usageError('USAGE', `--app does not go with ${definition.title}, whose ${type} resources have no app.`);
  await handlerOf(implementation, type)!.resolve({resource: type, options: {app}, sourceDirectory});
}

/** What the provider sees in the project. A provider that cannot look gets a file of examples. */
async function look({definition, implementation, context, host}: Session, directory: string): Promise<Discovery> {
  const stage = {kind: 'stage', id: 'look', title: 'Looking at the project'} as const;
  host.report({...stage, state: 'running'});
  const files = filesOf(directory, host);
  const found = await implementation.discover?.({directory, files}, context);
  host.report({...stage, state: 'done'});
  if (found !== undefined) return found;
  const types = Object.entries<ResourceTypeDefinition>(definition.resources);
  const [type] = types.find(([, {source}]) => source) ?? types[0]!;
  host.warn(`${definition.title} cannot look for functions: the file has examples only.`);
  return {type, functions: [], options: {}, choices: {}, facts: []};
}

/** What would be in the package; what stops a deploy does not stop a look. */
function filesOf(directory: string, host: Host): readonly string[] {
  try {
    return walkProject(directory).paths;
  } catch (error) {
    if (!isCloudError(error)) throw error;
    if (error.code === 'SOURCE_EMPTY') return [];
    host.warn(`A deploy would stop here: ${error.message}${error.hints.length === 0 ? '' : ` ${error.hints[0]}`}`);
    const files: string[] = [];
    collect(directory, '', files, 0);
    return files;
  }
}

/** Files by the built-in rules alone; folders that cannot be read and links are passed over. */
function collect(root: string, folder: string, files: string[], depth: number): void {
  let entries: Dirent[] = [];
  try {
    entries = readdirSync(join(root, folder), {withFileTypes: true}).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    // The warning said so.
  }
  for (const entry of entries) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    const rule = IgnoreRules.BUILT_IN.judge(entry.name, path, entry.isDirectory());
    if (files.length >= MOST_FILES || (rule !== undefined && !rule.negative)) continue;
    if (entry.isDirectory() && depth < DEEPEST) collect(root, path, files, depth + 1);
    else if (entry.isFile() && !looksLikeSecret(entry.name, path)) files.push(path);
  }
}

/** Functions as resources, each with a NAME of its own. */
function named({type, functions}: Discovery, project: string): InitResource[] {
  const taken = new Set<string>();
  return functions.map(({handler, kind, summary}, i) => {
    const steps = handler.split('.');
    const own = steps.at(-1)!;
    const module = steps.at(-2) ?? '';
    const wishes = NAMELESS.test(own) ? [NAMELESS.test(module) ? project : module] : [own];
    const resource = firstFree([...wishes, `${module}_${own}`, handler.replaceAll('.', '_')].map(legal), taken);
    taken.add(resource);
    return {resource, type, handler, kind, ...(summary === undefined ? {} : {summary}), active: i === 0};
  });
}

function firstFree(wishes: readonly string[], taken: ReadonlySet<string>): string {
  const free = wishes.find(name => name !== '' && !taken.has(name));
  if (free !== undefined) return free;
  for (let count = 2; ; count++) if (!taken.has(`function-${count}`)) return `function-${count}`;
}

/** What every provider takes as a name. */
function legal(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[-_]+|[-_]+$/g, '')
    .slice(0, 60);
}

/** The file as another command takes it. */
export function fileFlag({file}: InitResult, workingDirectory: string): string {
  return relative(workingDirectory, resolve(workingDirectory, file)) === PROJECT_FILE ? '' : ` --file ${file}`;
}
