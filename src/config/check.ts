import {didYouMean, EXIT, type ProviderDefinition, type ResourceTypeDefinition} from '@cloudctl/provider-sdk';
import {defaultKeys, NAME, NAME_RULE, optionsOf, resourceKeys, typesOf, VERSION} from './known-types.js';
import {isNull} from './merge.js';
import {below, type Place, type Position, type Problems, quote, suggest} from './problems.js';
import type {ValueReader} from './values.js';
import type {Tree, TreeEntry, TreeMap} from './yaml-tree.js';

const ROOT_KEYS = ['version', 'provider', 'target', 'environment', 'profile', 'defaults', 'resources', 'environments'];
const ENVIRONMENT_KEYS = ['target', 'environment', 'profile', 'defaults', 'resources'];
/** Texts of the file as a whole, and of an environment. */
export const TEXT_KEYS: readonly string[] = ['target', 'environment', 'profile'];

type Entries = ReadonlyMap<string, TreeEntry>;

export interface PlacedText extends Place {
  readonly text: string;
}

const NONE: Entries = new Map();

/** The entries of a mapping; of anything else none. A mapping whose parts are all commented out is an empty one. */
export function entriesOf(tree: Tree | undefined): Entries {
  return tree?.kind === 'map' ? tree.entries : NONE;
}

/** The text of a scalar that is text. */
export function textOf(entry: TreeEntry | undefined): string | undefined {
  return entry?.value.kind === 'scalar' && typeof entry.value.value === 'string' ? entry.value.value : undefined;
}

/** @returns whether the file is of a version that this program reads; else that is the only problem. */
export function checkVersion(root: TreeMap, problems: Problems): boolean {
  const entry = root.entries.get('version');
  if (entry === undefined) {
    problems.add({line: 1, column: 1}, 'version', `is missing: begin the file with "version: ${VERSION}"`);
    return false;
  }
  const {value} = entry;
  const version = value.kind === 'scalar' ? value.value : undefined;
  if (version === VERSION) return true;
  const newer = typeof version === 'number' && version > VERSION;
  problems.add(
    value.position,
    'version',
    newer ? `this cloudctl knows version ${VERSION}; the file is newer` : `takes the number ${VERSION}`,
    {hints: newer ? ['Update cloudctl: npm install -g cloudctl'] : []},
  );
  return false;
}

/** The type of a resource and who offers it, as far as they can be told. */
export interface Kind {
  provider: string | undefined;
  type: string | undefined;
}

/** Looks at the whole file, chosen environment or not, for what is wrong whatever the variables are. */
export class Checker {
  constructor(
    private readonly root: TreeMap,
    private readonly definitions: ReadonlyMap<string, ProviderDefinition>,
    private readonly defaultProvider: string | undefined,
    private readonly reader: ValueReader,
    private readonly problems: Problems,
  ) {}

  check(): void {
    const {root} = this;
    this.keys(root.entries, ROOT_KEYS, '');
    this.fileProvider(root.entries.get('provider'));
    for (const key of TEXT_KEYS) this.text(root.entries.get(key), key, false);
    this.defaults(root.entries.get('defaults'), 'defaults', false);
    const resources = root.entries.get('resources');
    if (resources === undefined)
      this.problems.add(
        {line: 1, column: 1},
        'resources',
        'is missing: "resources:" and nothing more where there are none',
      );
    else if (this.group(resources, 'resources', 'NAME: {type: ...}')) this.baseResources(entriesOf(resources.value));
    const environments = root.entries.get('environments');
    if (environments === undefined || !this.group(environments, 'environments', 'NAME: {...}')) return;
    for (const [name, entry] of entriesOf(environments.value)) this.environment(name, entry);
  }

  /** What a resource is, by its own words, else by the base's and the file's. */
  kindOf(entries: Entries, base: Entries = NONE): Kind {
    return {
      type: textOf(entries.get('type')) ?? textOf(base.get('type')),
      provider: textOf(entries.get('provider')) ?? textOf(base.get('provider')) ?? this.defaultProvider,
    };
  }

  definitionOf({provider, type}: Kind): ResourceTypeDefinition | undefined {
    const definition = this.definitions.get(provider ?? '');
    return definition === undefined ? undefined : typesOf(definition).get(type ?? '');
  }

  private baseResources(resources: Entries): void {
    this.cases(resources, [], 'resources');
    for (const [name, entry] of resources) {
      const path = below('resources', name);
      this.name(name, entry, path);
      if (!this.map(entry, path, '{type: ...}')) continue;
      this.resource(entriesOf(entry.value), NONE, entry, path);
    }
  }

  private environment(name: string, entry: TreeEntry): void {
    const path = below('environments', name);
    this.name(name, entry, path);
    if (!this.group(entry, path, '{...}')) return;
    const entries = entriesOf(entry.value);
    this.keys(entries, ENVIRONMENT_KEYS, path);
    for (const key of TEXT_KEYS) this.text(entries.get(key), below(path, key), true);
    this.defaults(entries.get('defaults'), below(path, 'defaults'), true);
    const resources = entries.get('resources');
    const place = below(path, 'resources');
    if (resources === undefined || !this.group(resources, place, 'NAME: {...}')) return;
    const bases = entriesOf(this.root.entries.get('resources')?.value);
    this.cases(entriesOf(resources.value), [...bases.keys()], place);
    for (const [resource, overlay] of entriesOf(resources.value)) {
      const base = bases.get(resource);
      const here = below(place, resource);
      if (base === undefined) this.name(resource, overlay, here);
      if (isNull(overlay.value)) {
        if (base === undefined)
          this.problems.add(
            overlay.position,
            here,
            () => `there is no such resource to leave out.${suggest(resource, [...bases.keys()], 'Resources')}`,
          );
      } else if (this.map(overlay, here, '{...}, or null'))
        this.resource(entriesOf(overlay.value), entriesOf(base?.value), overlay, here);
    }
  }

  private resource(entries: Entries, base: Entries, {position}: TreeEntry, path: string): void {
    const provider = entries.get('provider');
    if (provider !== undefined) this.provider(provider, below(path, 'provider'));
    const kind = this.kindOf(entries, base);
    this.type(entries, kind, {position, path, isNew: base.size === 0});
    this.sameKind(entries, base, path);
    const type = this.definitionOf(kind);
    if (type === undefined) return;
    this.keys(entries, resourceKeys(type), path, key => (key === 'source' ? `a ${type.title} has no code` : undefined));
    this.values(entries, type, path);
    const dependsOn = entries.get('depends-on');
    if (dependsOn === undefined || isNull(dependsOn.value)) return;
    this.reader.flag({kind: 'string', summary: '', multiple: true}, dependsOn.value, below(path, 'depends-on'));
  }

  private type(
    entries: Entries,
    {provider, type}: Kind,
    {position, path, isNew}: {position: TreeEntry['position']; path: string; isNew: boolean},
  ): void {
    const entry = entries.get('type');
    const definition = this.definitions.get(provider ?? '');
    const types = definition === undefined ? [] : [...typesOf(definition).keys()];
    const place = below(path, 'type');
    if (entry === undefined) {
      const which = types.length === 0 ? '' : `: one of ${types.join(', ')}`;
      if (isNew) this.problems.add(position, path, `"type" is missing${which}`);
      return;
    }
    if (textOf(entry) === undefined) this.problems.add(entry.value.position, place, 'takes text: a resource type');
    else if (definition !== undefined && !types.includes(type!))
      this.problems.add(
        entry.value.position,
        place,
        `${quote(type!)} is not a resource type of ${definition.title}.${suggest(type!, types, 'Types')}`,
        {code: 'UNKNOWN_RESOURCE_TYPE'},
      );
  }

  /** In an environment a resource is what it is in the base. */
  private sameKind(entries: Entries, base: Entries, path: string): void {
    if (base.size === 0) return;
    const [own, under] = [this.kindOf(entries, base), this.kindOf(base)];
    for (const key of ['type', 'provider'] as const) {
      const entry = entries.get(key);
      if (entry === undefined || own[key] === under[key]) continue;
      this.problems.add(
        entry.value.position,
        below(path, key),
        `the ${key} stays the same in every environment: leave the resource out with null, and add one of another name`,
      );
    }
  }

  private fileProvider(entry: TreeEntry | undefined): void {
    const start = {line: 1, column: 1};
    if (entry !== undefined) this.provider(entry, 'provider');
    else if (this.defaultProvider === undefined)
      this.problems.add(start, 'provider', 'is missing: "provider: NAME"', {
        hints: ['See what is installed: cloudctl providers'],
      });
    else if (!this.definitions.has(this.defaultProvider)) this.notInstalled(this.defaultProvider, start, 'provider');
  }

  private provider(entry: TreeEntry, path: string): void {
    const name = textOf(entry);
    const {position} = entry.value;
    if (name === undefined) this.problems.add(position, path, 'takes text: the name of a provider');
    else if (!this.definitions.has(name)) this.notInstalled(name, position, path);
  }

  private notInstalled(name: string, position: Position, path: string): void {
    this.problems.add(position, path, `the provider ${quote(name)} is not installed`, {
      code: 'PROVIDER_NOT_INSTALLED',
      exitCode: EXIT.notFound,
      hints: [
        ...(/^[a-z0-9][a-z0-9-]*$/.test(name) ? [`Install it: cloudctl plugins install ${name}`] : []),
        'See what is installed: cloudctl providers',
      ],
    });
  }

  private defaults(entry: TreeEntry | undefined, path: string, overlay: boolean): void {
    if (entry === undefined || !this.group(entry, path, 'TYPE: {...}')) return;
    const types = new Set([...this.definitions.values()].flatMap(definition => [...typesOf(definition).keys()]));
    for (const [type, options] of entriesOf(entry.value)) {
      const place = below(path, type);
      const offered = this.offering(type);
      if (offered.length === 0 && this.definitions.size > 0)
        this.problems.add(
          options.position,
          place,
          () => `there is no such resource type.${suggest(type, [...types], 'Types')}`,
          {code: 'UNKNOWN_RESOURCE_TYPE'},
        );
      if (offered.length === 0 || !this.group(options, place, '{...}')) continue;
      const entries = entriesOf(options.value);
      this.keys(entries, [...new Set(offered.flatMap(defaultKeys))], place, key =>
        ['name', 'type', 'provider', 'depends-on'].includes(key) ? 'each resource has its own' : undefined,
      );
      for (const definition of offered) this.values(entries, definition, place);
      for (const [key, {value}] of entries)
        if (isNull(value) && !overlay) this.problems.add(value.position, below(place, key), 'has no value');
    }
  }

  /** The definitions of a type by all providers of the file: defaults are for each of them. */
  private offering(type: string): ResourceTypeDefinition[] {
    return [...this.definitions.values()].flatMap(definition => typesOf(definition).get(type) ?? []);
  }

  /** The values of a resource, or of defaults. Null is for the merge to judge. */
  private values(entries: Entries, type: ResourceTypeDefinition, path: string): void {
    const options = optionsOf(type);
    for (const [key, {value}] of entries) {
      if (isNull(value)) continue;
      const flag = options.get(key);
      if (key === 'name' || (key === 'source' && type.source)) this.reader.text(value, below(path, key));
      else if (flag !== undefined) this.reader.flag(flag, withoutNulls(value), below(path, key));
    }
  }

  /** @param text with its variables filled in. */
  target({text, position, path}: PlacedText): void {
    const provider = this.definitions.get(this.defaultProvider ?? '');
    if (provider === undefined) return;
    const names = provider.targets.map(({name}) => name);
    if (names.includes(text)) return;
    // What comes of a variable is not repeated.
    const near = didYouMean(text.slice(0, 100), names).map(words => `. ${words}`);
    this.problems.add(position, path, `takes a target of ${provider.title}, ${names.join(' or ')}${near.join('')}`, {
      code: 'UNKNOWN_TARGET',
    });
  }

  private text(entry: TreeEntry | undefined, path: string, removable: boolean): void {
    if (entry === undefined || (removable && isNull(entry.value))) return;
    const text = this.reader.text(entry.value, path);
    if (text !== undefined && path.endsWith('target')) this.target({text, position: entry.value.position, path});
  }

  /** Whether there is something in it to look at. */
  private group(entry: TreeEntry, path: string, form: string): boolean {
    return !isNull(entry.value) && this.map(entry, path, form);
  }

  private map({value}: TreeEntry, path: string, form: string): boolean {
    if (value.kind !== 'map') this.problems.add(value.position, path, `takes a mapping: ${form}`);
    return value.kind === 'map';
  }

  private name(name: string, {position}: TreeEntry, path: string): void {
    if (!NAME.test(name)) this.problems.add(position, path, `${quote(name)} cannot be a name: ${NAME_RULE}`);
  }

  /** Names become file names, and not every file system tells `Quote` from `quote`. */
  private cases(resources: Entries, known: readonly string[], path: string): void {
    const seen = new Map(known.map(name => [name.toLowerCase(), name]));
    for (const [name, {position}] of resources) {
      const other = seen.get(name.toLowerCase()) ?? name;
      if (other !== name)
        this.problems.add(position, below(path, name), `differs from ${quote(other)} only in case: rename one`);
      else seen.set(name.toLowerCase(), name);
    }
  }

  private keys(
    entries: Entries,
    known: readonly string[],
    path: string,
    why: (key: string) => string | undefined = () => undefined,
  ): void {
    for (const [key, {position}] of entries) {
      if (known.includes(key)) continue;
      const words = why(key) ?? ((): string => `unknown key.${suggest(key, known, 'Keys')}`);
      this.problems.add(position, below(path, key), words);
    }
  }
}

/** A mapping without the keys that it takes away. */
function withoutNulls(tree: Tree): Tree {
  if (tree.kind !== 'map') return tree;
  return {...tree, entries: new Map([...tree.entries].filter(([, {value}]) => !isNull(value)))};
}
