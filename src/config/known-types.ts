import type {FlagDefinition, ProviderDefinition, ResourceTypeDefinition} from '@cloudctl/provider-sdk';

/** The names that a resource and an environment may have: safe as a file name, short enough for every provider. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const NAME_RULE = 'up to 64 letters, digits, ".", "_" and "-", beginning with a letter or digit';

/** The only version of the file's form so far. */
export const VERSION = 1;

/** Keys of a resource that are the core's own, and what they mean. */
export const OWN_SUMMARIES = {
  type: 'What it is: a resource type of the provider.',
  provider: 'Provider, where it is not that of the file.',
  name: "The provider's name of the resource; NAME where absent.",
  source: 'Directory with the code, relative to the folder of this file.',
  'depends-on': 'NAMEs of resources that have to be there first.',
} as const;

/** No flag of a provider takes them over. */
const OWN_KEYS: readonly string[] = Object.keys(OWN_SUMMARIES);

export function typesOf(definition: ProviderDefinition): ReadonlyMap<string, ResourceTypeDefinition> {
  return new Map(Object.entries(definition.resources));
}

/** The provider's options of a type. */
export function optionsOf({flags}: ResourceTypeDefinition): ReadonlyMap<string, FlagDefinition> {
  return new Map(Object.entries(flags).filter(([name]) => !OWN_KEYS.includes(name)));
}

/** Keys that a resource of the type may have. */
export function resourceKeys(type: ResourceTypeDefinition): string[] {
  return [...OWN_KEYS.filter(key => key !== 'source' || type.source), ...optionsOf(type).keys()];
}

/** Keys that `defaults` may have for the type. */
export function defaultKeys(type: ResourceTypeDefinition): string[] {
  return [...(type.source ? ['source'] : []), ...optionsOf(type).keys()];
}
