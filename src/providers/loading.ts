import {pathToFileURL} from 'node:url';
import {
  CloudError,
  CONTRACT_VERSION,
  environmentError,
  type OperationMethods,
  type OperationName,
  type ProviderDefinition,
  type ProviderImplementation,
  type ResourceResolver,
  type ResourceTypeDefinition,
} from '@cloudctl/provider-sdk';
import {contractProblem, type RegisteredProvider} from './registry.js';

/** A handler as the core sees it: which methods it has follows from the declared operations. */
export type Handler = ResourceResolver & Partial<OperationMethods>;

/** Imports a provider's light module and checks that it is what its package.json says. */
export async function loadDefinition(registered: RegisteredProvider): Promise<ProviderDefinition> {
  const broken = (problem: string, hint: string, cause?: unknown): CloudError =>
    environmentError('PLUGIN_BROKEN', `The plugin ${registered.plugin.name} cannot be used: ${problem}.`, {
      provider: registered.name,
      hints: [hint],
      cause,
    });
  let module: {default?: unknown};
  try {
    module = (await import(pathToFileURL(registered.entry).href)) as {default?: unknown};
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw broken(
      `it does not load (${reason})`,
      `Install it again: cloudctl plugins install ${registered.plugin.name}`,
      error,
    );
  }
  const definition = module.default as Partial<ProviderDefinition> | undefined;
  if (definition?.contract !== CONTRACT_VERSION)
    throw broken(...contractProblem(definition?.contract, registered.plugin.name));
  if (definition.name !== registered.name || definition.resources === undefined || definition.load === undefined) {
    throw broken(`its module does not define the provider "${registered.name}"`, 'Report it to its author.');
  }
  return definition as ProviderDefinition;
}

/** The handler of a type, or nothing where the provider has no such type. */
export function handlerOf(implementation: ProviderImplementation, type: string): Handler | undefined {
  return (implementation.resources as Readonly<Record<string, Handler>>)[type];
}

/**
 * The method of an operation that the type declares as supported.
 *
 * @throws CloudError with exit code 5 and the provider's reason where it declares it as unsupported.
 */
export function methodOf<O extends OperationName>(
  definition: ProviderDefinition,
  implementation: ProviderImplementation,
  type: string,
  operation: O,
): OperationMethods[O] {
  const declared = (definition.resources as Readonly<Record<string, ResourceTypeDefinition>>)[type]?.operations[
    operation
  ];
  const handler = handlerOf(implementation, type);
  const method = handler?.[operation];
  if (declared?.supported === true && handler !== undefined && method !== undefined) {
    return method.bind(handler) as OperationMethods[O];
  }
  const reason = declared?.supported === false ? declared.reason : `${definition.title} does not offer it`;
  throw new CloudError(`${definition.title}: "${operation}" is not available for ${type}: ${reason}`, {
    code: 'OPERATION_UNSUPPORTED',
    exitCode: 5,
    provider: definition.name,
  });
}
