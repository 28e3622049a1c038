import {createHash} from 'node:crypto';
import {mkdir, readdir, readFile, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import type {Context, DesiredResource} from '@cloudctl/provider-sdk';
import type {Result} from '../bridge/index.js';
import type {Modal} from '../modal.js';
import {writeAtomically} from '../runtime/write.js';
import {pythonOf} from '../runtimes.js';
import {imageOf, specOf} from './function-request.js';

export type Examined = Pick<Result<'examine'>, 'signature' | 'warnings'> & {modules: number};

/** Raised when the examination itself changes. */
const EDITION = 1;
const KEPT = 200;

/**
 * What a handler and the modules that it imports look like. Nothing is imported to find out.
 *
 * It follows from the package's content alone, so that it is remembered by the digest: a plan of what was planned
 * before starts no Python.
 *
 * @throws CloudError with exit code 2 for a handler that is not there, a module that is missing, a syntax error.
 */
export async function examine(resource: DesiredResource, modal: Modal, context: Context): Promise<Examined> {
  const folder = join(context.directories.cache, 'examined');
  const file = join(folder, `${keyOf(resource, context)}.json`);
  const known = await remembered(file);
  if (known !== undefined) return known;
  const {directory, ignored} = resource.package!;
  const spec = specOf(resource);
  const image = imageOf(spec);
  const bridge = await modal.bridge();
  const {signature, warnings, modules} = await bridge.examine(
    {
      directory,
      handler: spec.handler,
      python: pythonOf(spec.runtime)!,
      requirements: spec.requirements,
      extras: [...(spec.extras ?? [])],
      ignored: (ignored ?? []).filter(({path}) => /(\/|\.py)$/.test(path)).map(({path, by}) => ({path, by})),
      imageBrings: image.kind === 'registry',
    },
    {signal: context.signal},
  );
  const found = {signature, warnings, modules: modules.length};
  await mkdir(folder, {recursive: true});
  await writeAtomically(file, JSON.stringify(found)).then(
    () => prune(folder),
    error => context.debug(`the examination is not remembered: ${String(error)}`),
  );
  return found;
}

function keyOf(resource: DesiredResource, {client}: Context): string {
  const {handler, runtime, image, requirements, extras} = specOf(resource);
  const parts = [
    EDITION,
    client.version,
    resource.package!.digest,
    handler,
    runtime,
    image,
    requirements,
    extras ?? [],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40);
}

async function remembered(file: string): Promise<Examined | undefined> {
  try {
    const found = JSON.parse(await readFile(file, 'utf8')) as Examined;
    return typeof found.signature?.attribute === 'string' && Array.isArray(found.warnings) ? found : undefined;
  } catch {
    return undefined;
  }
}

async function prune(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= KEPT) return;
  const dated = await Promise.all(
    names.map(async name => ({name, time: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0})),
  );
  const oldest = dated.sort((a, b) => a.time - b.time).slice(0, names.length - KEPT);
  await Promise.all(oldest.map(({name}) => rm(join(folder, name), {force: true})));
}
