import {existsSync} from 'node:fs';
import {
  type Context,
  type DesiredResource,
  environmentError,
  type JsonValue,
  type ResourceRecord,
  type SourcePackage,
} from '@cloudctl/provider-sdk';
import type {FunctionRequest, Image} from '../bridge/index.js';
import {pythonOf} from '../runtimes.js';
import type {AiSpec} from './ai-spec.js';

export function specOf(of: Pick<DesiredResource, 'spec'>): AiSpec {
  return of.spec as unknown as AiSpec;
}

/** Which image a spec means. */
export function imageOf({image, runtime}: AiSpec): Image {
  const own = /^modal\/python:(.+)$/.exec(image)?.[1];
  if (own !== undefined) return {kind: 'modal', python: own};
  // An image that is called after a Python has one; Modal adds the runtime's to any other.
  const bringsPython = /(^|\/)python(:|$)/.test(image);
  return {kind: 'registry', reference: image, ...(bringsPython ? {} : {python: pythonOf(runtime)!})};
}

/** A function as the child is to deploy it. */
export function toFunction(name: string, resource: string, given: AiSpec, source: SourcePackage): FunctionRequest {
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

/**
 * A neighbour as it was deployed. One whose snapshot is gone is left to the deployment's own records, and one that was
 * adopted without its code to the rules for what nobody knows.
 */
export function siblingFunction(sibling: ResourceRecord, context: Context): FunctionRequest[] {
  const source = sibling.package;
  if (source === undefined && sibling.adopted === true) return [];
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
      ...toFunction(sibling.name, sibling.resource, specOf(sibling), source),
      deployedAt: sibling.deployedAt,
    },
  ];
}
