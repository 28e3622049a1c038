import {OPERATIONS, type ResourceTypeDefinition} from '@cloudctl/provider-sdk';
import {loadDefinition} from '../providers/loading.js';
import type {Registry, RegistryProblem} from '../providers/registry.js';

export interface ProviderSummary {
  name: string;
  title: string;
  summary: string;
  plugin: {name: string; version: string};
  targets: readonly {name: string; summary: string; credentials: boolean}[];
  resources: readonly {
    type: string;
    title: string;
    operations: Readonly<Record<string, boolean>>;
    /** Why an operation is refused, by its name. */
    refused: Readonly<Record<string, string>>;
  }[];
}

export interface ProvidersResult {
  providers: readonly ProviderSummary[];
  problems: readonly RegistryProblem[];
}

/** The installed providers and what each can do. One that does not load is a problem, not an end. */
export async function describeProviders(registry: Registry): Promise<ProvidersResult> {
  const providers: ProviderSummary[] = [];
  const problems = [...registry.problems];
  for (const registered of registry.providers) {
    try {
      const {name, title, summary, targets, resources} = await loadDefinition(registered);
      providers.push({
        name,
        title,
        summary,
        plugin: {name: registered.plugin.name, version: registered.plugin.version},
        targets,
        resources: Object.entries(resources).map(([type, definition]) => describeType(type, definition)),
      });
    } catch (error) {
      const {message, hints} = error as Error & {hints?: readonly string[]};
      problems.push({plugin: registered.plugin.name, problem: message, hint: hints?.[0] ?? ''});
    }
  }
  return {providers, problems};
}

function describeType(type: string, {title, operations}: ResourceTypeDefinition): ProviderSummary['resources'][number] {
  const refused: Record<string, string> = {};
  for (const operation of OPERATIONS) {
    const declared = operations[operation];
    if (!declared.supported) refused[operation] = declared.reason;
  }
  return {
    type,
    title,
    operations: Object.fromEntries(OPERATIONS.map(name => [name, operations[name].supported])),
    refused,
  };
}
