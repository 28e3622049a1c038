import {CloudError, EXIT, type ResourceReference, type ResourceTypeDefinition} from '@cloudctl/provider-sdk';
import {methodOf} from '../providers/loading.js';
import {findRecord, resourceNotFound} from './find.js';
import type {Session} from './session.js';

/**
 * Destroys a resource, where the provider lets it.
 *
 * @throws CloudError with exit code 5, the reason and the exact next steps where the provider declares that it does not.
 */
export async function destroy(
  session: Session,
  type: string,
  resource: string,
  dryRun: boolean,
): Promise<ResourceReference> {
  const {definition, implementation, context, target, ledger} = session;
  const {record, names} = await findRecord(session, type, resource);
  const reference: ResourceReference = record ?? {type, resource, name: resource, target: target.name};
  const declared = (definition.resources as Readonly<Record<string, ResourceTypeDefinition>>)[type]!.operations.destroy;
  if (!declared.supported) {
    throw new CloudError(`${definition.title} ${type} "${resource}" is not destroyed by cloudctl: ${declared.reason}`, {
      code: 'DESTROY_REFUSED',
      exitCode: EXIT.provider,
      provider: definition.name,
      hints: [
        ...(record === undefined ? [`"${resource}" is not in the ledger of this machine.`] : []),
        ...declared.nextSteps(reference),
      ],
    });
  }
  if (record === undefined) throw resourceNotFound(session, type, resource, names);
  if (dryRun) return reference;
  await methodOf(definition, implementation, type, 'destroy')(reference, context);
  await ledger.remove(record);
  return reference;
}
