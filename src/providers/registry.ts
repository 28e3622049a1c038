import {join} from 'node:path';
import {CONTRACT_VERSION} from '@cloudctl/provider-sdk';

/** What the registry needs of oclif's config: plugins that it has already read. */
export interface InstalledPlugins {
  readonly plugins: ReadonlyMap<string, InstalledPlugin>;
}

export interface InstalledPlugin {
  readonly name: string;
  readonly version: string;
  readonly root: string;
  readonly type: string;
  readonly pjson: object;
}

/** A provider that an installed plugin announces in its package.json. */
export interface RegisteredProvider {
  name: string;
  title: string;
  /** Absolute path of the light module. */
  entry: string;
  resources: readonly string[];
  plugin: {name: string; version: string; type: string};
}

/** A plugin that announces providers but cannot be used, and why. */
export interface RegistryProblem {
  plugin: string;
  problem: string;
  hint: string;
}

export interface Registry {
  providers: readonly RegisteredProvider[];
  problems: readonly RegistryProblem[];
}

/**
 * The providers of the installed plugins.
 *
 * Read from package metadata that oclif holds in memory, so it imports nothing. A broken announcement disturbs only
 * its own plugin. Two plugins that announce the same provider: the first one installed keeps the name.
 */
export function readRegistry(installed: InstalledPlugins): Registry {
  const providers = new Map<string, RegisteredProvider>();
  const problems: RegistryProblem[] = [];
  for (const plugin of installed.plugins.values()) {
    const announced = (plugin.pjson as {cloudctl?: unknown}).cloudctl;
    if (announced === undefined) continue;
    const reject = (problem: string, hint: string): void => {
      problems.push({plugin: plugin.name, problem, hint});
    };
    if (!isRecord(announced) || !Array.isArray(announced['providers'])) {
      reject(
        'its package.json has a "cloudctl" entry without a list of providers',
        `Update it: cloudctl plugins update`,
      );
      continue;
    }
    if (announced['contract'] !== CONTRACT_VERSION) {
      reject(...contractProblem(announced['contract'], plugin.name));
      continue;
    }
    for (const entry of announced['providers'] as unknown[]) {
      const provider = readProvider(entry, plugin);
      if (provider === undefined)
        reject('it announces a provider without name, entry or resources', 'Report it to its author.');
      else if (providers.has(provider.name)) {
        const first = providers.get(provider.name)!.plugin.name;
        reject(
          `${first} already offers a provider called "${provider.name}"`,
          `Keep one: cloudctl plugins uninstall ${plugin.name}`,
        );
      } else providers.set(provider.name, provider);
    }
  }
  return {providers: [...providers.values()], problems};
}

/** Says which side is to be updated. */
export function contractProblem(contract: unknown, plugin: string): [problem: string, hint: string] {
  const problem = `it was written for version ${String(contract)} of the provider contract; this cloudctl has version ${CONTRACT_VERSION}`;
  return typeof contract === 'number' && contract > CONTRACT_VERSION
    ? [problem, 'Update cloudctl: npm install -g cloudctl']
    : [problem, `Update the plugin: cloudctl plugins install ${plugin}`];
}

function readProvider(entry: unknown, plugin: InstalledPlugin): RegisteredProvider | undefined {
  if (!isRecord(entry)) return undefined;
  const {name, title, entry: file, resources} = entry;
  if (typeof name !== 'string' || typeof file !== 'string' || !isTextList(resources)) return undefined;
  return {
    name,
    title: typeof title === 'string' ? title : name,
    entry: join(plugin.root, file),
    resources,
    plugin: {name: plugin.name, version: plugin.version, type: plugin.type},
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string');
}
