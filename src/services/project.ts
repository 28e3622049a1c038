import {sep} from 'node:path';
import {CloudError, isCloudError, notFoundError, type ProviderDefinition, usageError} from '@cloudctl/provider-sdk';
import {type DeclaredResource, findProjectFile, loadProject, type Project} from '../config/project.js';
import type {LedgerRecord} from '../ledger/record.js';
import {loadDefinition} from '../providers/loading.js';
import type {Registry} from '../providers/registry.js';
import {type Desired, desire, PackageReader} from './desired.js';
import {orderGroups, type Step} from './groups.js';
import type {Host, Session} from './session.js';

export interface ProjectInput {
  /** `--file`; searched for where absent. */
  file?: string | undefined;
  /** `--environment`: the overlay. */
  overlay?: string | undefined;
  /** NAMEs in the file; everything where there are none. */
  only: readonly string[];
  /** `--target`, before what the file says. */
  target?: string | undefined;
  /** `--profile`, before what the file says. */
  profile?: string | undefined;
  /** Provider of resources that do not say, where the file does not say either. */
  provider?: string | undefined;
  /** Absolute paths of files that are no part of any package. */
  without?: readonly string[] | undefined;
}

export interface OpenedProject {
  project: Project;
  /** The file's name as people see it from where they stand. */
  shown: string;
  /** In an order in which everything comes after what it needs. */
  steps: readonly Step[];
  /** Deployed from here before, and not in the file: they stay as they are. */
  strays: readonly LedgerRecord[];
}

/** Opens a session for resources of one provider. */
export type SessionOpener = (
  definition: ProviderDefinition,
  choice: {target?: string | undefined; profile?: string | undefined; environment?: string | undefined},
) => Promise<Session>;

/**
 * Everything in `cloudctl.yaml` as resources to deploy.
 *
 * @throws CloudError with all that is wrong in the file, by line and column.
 */
export async function openProject(
  host: Host,
  registry: Registry,
  input: ProjectInput,
  open: SessionOpener,
): Promise<OpenedProject> {
  const {file, shown, above} = await findProjectFile(host.workingDirectory, input.file);
  const definitions = new Map<string, Promise<ProviderDefinition>>();
  const provider = async (name: string): Promise<ProviderDefinition | undefined> => {
    const registered = registry.providers.find(candidate => candidate.name === name);
    if (registered === undefined) return undefined;
    if (!definitions.has(name)) definitions.set(name, loadDefinition(registered));
    return definitions.get(name);
  };
  const defaultProvider = input.provider ?? (registry.providers.length === 1 ? registry.providers[0]!.name : undefined);
  const project = await loadProject(file, {
    environment: input.overlay,
    variables: host.environment,
    providers: provider,
    defaultProvider,
    shown,
  });
  if (above) host.note(`Using ${shown}.`);
  const chosen = choose(project, shown, input.only);
  const sessions = new Map<string, Promise<Session>>();
  const sessionOf = async (name: string): Promise<Session> => {
    if (!sessions.has(name)) {
      const definition = (await provider(name))!;
      const fromEnvironment =
        definition.targetVariable === undefined ? '' : host.environment[definition.targetVariable];
      const target = input.target ?? (fromEnvironment ? undefined : project.target);
      const {environment} = project;
      sessions.set(name, open(definition, {target, environment, profile: input.profile ?? project.profile}));
    }
    return sessions.get(name)!;
  };
  const items: {session: Session; desired: Desired}[] = [];
  const packages = new PackageReader({host}, input.without);
  for (const declared of chosen) {
    const session = await sessionOf(declared.provider);
    items.push({session, desired: await desireDeclared(session, declared, project, shown, packages)});
  }
  const strays = input.only.length > 0 ? [] : await findStrays(await Promise.all(sessions.values()), project);
  return {project, shown, steps: orderGroups(items), strays};
}

async function findStrays(sessions: readonly Session[], project: Project): Promise<LedgerRecord[]> {
  const declared = new Set(project.resources.map(({type, resource}) => `${type} ${nameIn(project.overlay, resource)}`));
  const found = await Promise.all(
    sessions.map(({ledger, definition, target}) => ledger.list({provider: definition.name, target: target.name})),
  );
  return found
    .flatMap(({records}) => records)
    .filter(record => isWithin(record.project, project.directory) && overlayOf(record) === project.overlay)
    .filter(({type, resource}) => !declared.has(`${type} ${resource}`));
}

function isWithin(directory: string, parent: string): boolean {
  return directory === parent || directory.startsWith(`${parent}${sep}`);
}

/** The environment of the file that a record is of. */
function overlayOf({resource}: LedgerRecord): string | undefined {
  return resource.split('@')[1];
}

/** NAME in the ledger: environments of the file stand side by side, whatever account they are deployed to. */
export function nameIn(overlay: string | undefined, resource: string): string {
  return overlay === undefined ? resource : `${resource}@${overlay}`;
}

/** The resources that were asked for; what they depend on is there already, or fails by itself. */
function choose({resources}: Project, shown: string, only: readonly string[]): readonly DeclaredResource[] {
  if (resources.length === 0)
    throw usageError('NOTHING_DECLARED', `${shown} has no resources.`, {hints: ['Add one below "resources:".']});
  const names = resources.map(({resource}) => resource);
  const unknown = only.find(name => !names.includes(name));
  if (unknown !== undefined) {
    throw notFoundError('RESOURCE_NOT_FOUND', `${shown} has no resource "${unknown}".`, {
      hints: [`Resources: ${names.join(', ')}`],
    });
  }
  return only.length === 0 ? resources : resources.filter(({resource}) => only.includes(resource));
}

async function desireDeclared(
  session: Session,
  {type, resource, name, source, options, dependsOn, position}: DeclaredResource,
  {overlay}: Project,
  shown: string,
  packages: PackageReader,
): Promise<Desired> {
  const input = {
    ...{type, source, options},
    resource: nameIn(overlay, resource),
    name: name ?? resource,
    dependsOn: dependsOn.map(other => nameIn(overlay, other)),
  };
  try {
    return await desire(session, input, packages);
  } catch (error) {
    if (!isCloudError(error)) throw error;
    const {code, exitCode, hints, data, provider, message} = error;
    throw new CloudError(`${shown}:${position.line}:${position.column}: ${resource}: ${message}`, {
      ...{code, exitCode, hints, cause: error},
      ...(provider === undefined ? {} : {provider}),
      ...(data === undefined ? {} : {data}),
    });
  }
}
