import {resolve as resolvePath} from 'node:path';
import {
  type DesiredResource,
  type FlagValues,
  RESOURCE_NAME,
  type ResolvedResource,
  type ResourceTypeDefinition,
  type SourcePackage,
  usageError,
} from '@cloudctl/provider-sdk';
import {type LedgerRecord, toResourceRecord} from '../ledger/record.js';
import type {ProjectPackage} from '../packaging/package.js';
import {handlerOf} from '../providers/loading.js';
import type {Session} from './session.js';

/** A resource as somebody asked for it: by flags, or in `cloudctl.yaml`. */
export interface ResourceInput {
  type: string;
  /** NAME. */
  resource: string;
  name?: string | undefined;
  /** Directory with the code, relative to the working directory. */
  source?: string | undefined;
  options: FlagValues;
  /** NAMEs that are to be there first, beside what the resource needs by itself. */
  dependsOn?: readonly string[];
}

/** A resource as it should be, with the code that goes with it. Nothing was looked up yet. */
export interface Desired extends ResolvedResource {
  type: string;
  resource: string;
  /** Absolute: the project that it belongs to. */
  project: string;
  /** The project as it was just read. */
  content?: ProjectPackage;
  /** A snapshot, where the code comes from an earlier deployment. */
  snapshot?: SourcePackage;
  dependsOn: readonly string[];
  /** The deployment that is brought back. */
  rolledBackTo?: number;
}

/** Reads projects, each once, however many resources are made from it. */
export class PackageReader {
  readonly #read = new Map<string, Promise<ProjectPackage>>();

  /** @param without absolute paths of files that are no part of any package. */
  constructor(
    private readonly session: Pick<Session, 'host'>,
    private readonly without: readonly string[] = [],
  ) {}

  read(directory: string): Promise<ProjectPackage> {
    let content = this.#read.get(directory);
    if (content === undefined) {
      content = this.#package(directory);
      this.#read.set(directory, content);
    }
    return content;
  }

  async #package(directory: string): Promise<ProjectPackage> {
    const {host} = this.session;
    const stage = {kind: 'stage', id: `package ${directory}`, title: 'Packaging'} as const;
    host.report({...stage, state: 'running'});
    const [{readPackage}, {describeSize}] = await Promise.all([
      import('../packaging/package.js'),
      import('../packaging/describe.js'),
    ]);
    const content = readPackage(directory, {cacheDirectory: host.cacheDir, without: this.without});
    for (const warning of content.warnings) host.warn(warning);
    host.report({...stage, detail: describeSize(content.files.length, content.bytes), state: 'done'});
    return content;
  }
}

/**
 * Makes an input whole: defaults applied, values checked, the project read.
 *
 * @throws CloudError with exit code 2 for what cannot be meant.
 */
export async function desire(
  session: Session,
  input: ResourceInput,
  packages = new PackageReader(session),
): Promise<Desired> {
  const {definition, implementation, host} = session;
  const {type, resource, options, name} = input;
  if (!RESOURCE_NAME.test(resource)) {
    throw usageError('BAD_NAME', `"${resource}" cannot be the name of a resource.`, {
      hints: ['Use up to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit.'],
    });
  }
  const project = resolvePath(host.workingDirectory, input.source ?? '.');
  const handler = handlerOf(implementation, type)!;
  const resolved = await handler.resolve({
    resource,
    options,
    sourceDirectory: project,
    ...(name === undefined ? {} : {name}),
  });
  const hasSource = (definition.resources as Readonly<Record<string, ResourceTypeDefinition>>)[type]!.source;
  const content = hasSource ? await packages.read(project) : undefined;
  return {
    ...resolved,
    type,
    resource,
    project,
    dependsOn: input.dependsOn ?? [],
    ...(content === undefined ? {} : {content}),
  };
}

/** What the provider gets to see; before a snapshot is made, the project itself stands in for it. */
export function toDesiredResource(
  session: Session,
  desired: Desired,
  previous: LedgerRecord | undefined,
  source: SourcePackage | undefined = sourceOf(desired),
): DesiredResource {
  const {resource, name, app, spec, needs} = desired;
  return {
    resource,
    name,
    spec,
    ...(app === undefined ? {} : {app}),
    ...(needs === undefined ? {} : {needs}),
    ...(source === undefined ? {} : {package: source}),
    ...(previous === undefined
      ? {}
      : {previous: toResourceRecord(previous, digest => session.snapshots.directoryOf(digest))}),
  };
}

function sourceOf({content, snapshot}: Desired): SourcePackage | undefined {
  if (content === undefined) return snapshot;
  const {digest, root, files, bytes, ignored} = content;
  return {digest, directory: root, files: files.length, bytes, ignored};
}
