import type {ProviderDefinition, ResourceReference, ResourceTypes, Supported, Unsupported} from './contract.js';

export {Secret} from './secret.js';

/**
 * Declares a provider.
 *
 * The type of `load` follows from the declared operations: one that is declared as supported without its method
 * does not compile.
 */
export function defineProvider<const R extends ResourceTypes>(
  definition: ProviderDefinition<R>,
): ProviderDefinition<R> {
  return definition;
}

/** Declares that the handler has the method. */
export function supported(): Supported {
  return {supported: true};
}

/** Declares that the operation is refused, why, and what to do instead. */
export function unsupported(
  reason: string,
  nextSteps: (resource: ResourceReference) => readonly string[],
): Unsupported {
  return {supported: false, reason, nextSteps};
}
