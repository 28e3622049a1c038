import {stat} from 'node:fs/promises';
import {resolve} from 'node:path';
import {EXIT, type FlagValues} from '@cloudctl/provider-sdk';
import {type Checker, entriesOf, type PlacedText, TEXT_KEYS} from './check.js';
import {hasReferences} from './interpolation.js';
import {optionsOf} from './known-types.js';
import {isNull, type Layer, mergeLayers, type Placed} from './merge.js';
import {below, type Place, type Position, type Problems, quote, suggest} from './problems.js';
import type {ValueReader} from './values.js';
import type {Tree, TreeEntry, TreeMap} from './yaml-tree.js';

const MOST_RESOURCES = 1000;

/** A resource of the project file, everything merged and every variable filled in. */
export interface DeclaredResource {
  /** NAME. */
  resource: string;
  type: string;
  provider: string;
  /** The provider's name, where the file gives one. */
  name?: string;
  /** Absolute; the file's folder where it does not say, and for types without code. */
  source: string;
  /** As the command line would give them. */
  options: FlagValues;
  /** NAMEs of other resources of the project. */
  dependsOn: readonly string[];
  /** Of its NAME in the file. */
  position: Position;
}

/** The environment of the file that was chosen. */
export interface Overlay {
  name: string;
  path: string;
  entries: ReadonlyMap<string, TreeEntry>;
}

/** Lays the parts of the file on each other, and reads what comes of it. What is broken was told by the checker. */
export class Composer {
  /** Who wants whom, and where it says so. */
  readonly #wanted = new Map<string, ReadonlyMap<string, Place>>();
  private readonly onNothing = (position: Position, path: string): void =>
    this.problems.add(
      position,
      path,
      path.startsWith('environments.') ? 'there is nothing that null could take away' : 'has no value',
    );

  constructor(
    private readonly root: TreeMap,
    private readonly overlay: Overlay | undefined,
    private readonly directory: string,
    private readonly checker: Checker,
    private readonly reader: ValueReader,
    private readonly problems: Problems,
  ) {}

  texts(): Record<'target' | 'environment' | 'profile', PlacedText | undefined> {
    const layers: Layer[] = [{path: '', entries: onlyTexts(this.root.entries)}];
    if (this.overlay !== undefined) layers.push({path: this.overlay.path, entries: onlyTexts(this.overlay.entries)});
    const merged = mergeLayers(layers, this.onNothing);
    const read = (key: string): PlacedText | undefined => {
      const placed = merged.get(key);
      const text = placed === undefined ? undefined : this.reader.text(placed.value, placed.path);
      return text === undefined ? undefined : {text, path: placed!.path, position: placed!.value.position};
    };
    return {target: read('target'), environment: read('environment'), profile: read('profile')};
  }

  /** In the file's order; without those that the environment leaves out. */
  async resources(): Promise<DeclaredResource[]> {
    const base = entriesOf(this.root.entries.get('resources')?.value);
    const changed = entriesOf(this.overlay?.entries.get('resources')?.value);
    const left = new Set([...changed].filter(([, {value}]) => isNull(value)).map(([name]) => name));
    const names = new Set([...base.keys(), ...changed.keys()].filter(name => !left.has(name)));
    if (names.size > MOST_RESOURCES) {
      const {position} = this.root.entries.get('resources') ?? this.root;
      this.problems.add(position, 'resources', `${names.size} resources, and a file takes ${MOST_RESOURCES}: split it`);
      return [];
    }
    const declared: DeclaredResource[] = [];
    for (const name of names) {
      const resource = await this.resource(name, base.get(name), changed.get(name), names, left);
      if (resource !== undefined) declared.push(resource);
    }
    this.refuseCircles();
    return declared;
  }

  private async resource(
    name: string,
    base: TreeEntry | undefined,
    changed: TreeEntry | undefined,
    names: ReadonlySet<string>,
    left: ReadonlySet<string>,
  ): Promise<DeclaredResource | undefined> {
    const own = entriesOf(base?.value);
    const over = entriesOf(changed?.value);
    const kind = this.checker.kindOf(over, own);
    const type = this.checker.definitionOf(kind);
    if (type === undefined) return undefined;
    const options = optionsOf(type);
    const taken = new Set([...options.keys(), ...(type.source ? ['source'] : [])]);
    const layers: Layer[] = [
      this.defaults(this.root.entries, 'defaults', kind.type!, taken),
      this.defaults(this.overlay?.entries, `${this.overlay?.path}.defaults`, kind.type!, taken),
      {path: below('resources', name), entries: own},
      {path: `${this.overlay?.path}.${below('resources', name)}`, entries: over},
    ];
    const merged = mergeLayers(layers, this.onNothing);
    const given = merged.get('name');
    const called = given === undefined ? undefined : this.reader.text(given.value, given.path);
    return {
      resource: name,
      type: kind.type!,
      provider: kind.provider!,
      ...(called === undefined ? {} : {name: called}),
      source: await this.source(type.source ? merged.get('source') : undefined),
      options: Object.fromEntries(
        [...options].flatMap(([key, flag]) => {
          const placed = merged.get(key);
          const value = placed === undefined ? undefined : this.reader.flag(flag, placed.value, placed.path);
          return value === undefined ? [] : [[key, value]];
        }),
      ),
      dependsOn: this.dependsOn(name, merged.get('depends-on'), names, left),
      position: (base ?? changed)!.position,
    };
  }

  /** Defaults of a type; those of another provider's type of that name are not for this one. */
  private defaults(
    entries: ReadonlyMap<string, TreeEntry> | undefined,
    path: string,
    type: string,
    taken: ReadonlySet<string>,
  ): Layer {
    const all = entriesOf(entriesOf(entries?.get('defaults')?.value).get(type)?.value);
    return {path: below(path, type), entries: new Map([...all].filter(([key]) => taken.has(key)))};
  }

  private async source(placed: Placed | undefined): Promise<string> {
    if (placed === undefined) return this.directory;
    const text = this.reader.text(placed.value, placed.path);
    if (text === undefined) return this.directory;
    const source = resolve(this.directory, text);
    const found = await stat(source).catch(() => undefined);
    const {value} = placed;
    const {position} = value;
    // What comes of a variable is not repeated.
    const shown = quote(value.kind === 'scalar' && hasReferences(value.text) ? value.text : text);
    if (found === undefined)
      this.problems.add(position, placed.path, `there is no directory ${shown} beside the file`, {
        code: 'SOURCE_NOT_FOUND',
        exitCode: EXIT.notFound,
        hints: ['A source is relative to the folder of the file.'],
      });
    else if (!found.isDirectory())
      this.problems.add(position, placed.path, `${shown} is not a directory`, {code: 'SOURCE_NOT_A_DIRECTORY'});
    return source;
  }

  private dependsOn(
    name: string,
    placed: Placed | undefined,
    names: ReadonlySet<string>,
    left: ReadonlySet<string>,
  ): string[] {
    const items: readonly Tree[] = placed?.value.kind === 'list' ? placed.value.items : [];
    const wanted = new Map<string, Place>();
    for (const [i, item] of items.entries()) {
      if (item.kind !== 'scalar' || typeof item.value !== 'string') continue;
      const other = item.value;
      const place = {position: item.position, path: below(placed!.path, i)};
      const problem = this.noDependency(name, other, names, left);
      if (problem !== undefined) this.problems.add(place.position, place.path, problem);
      else if (!wanted.has(other)) wanted.set(other, place);
    }
    this.#wanted.set(name, wanted);
    return [...wanted.keys()];
  }

  private noDependency(
    name: string,
    other: string,
    names: ReadonlySet<string>,
    left: ReadonlySet<string>,
  ): string | (() => string) | undefined {
    if (other === name) return 'a resource cannot depend on itself';
    if (left.has(other)) return `${quote(other)} is left out in the environment ${quote(this.overlay!.name)}`;
    if (names.has(other)) return undefined;
    return () => {
      const others = [...names].filter(known => known !== name);
      return `there is no resource ${quote(other)}.${suggest(other, others, 'Resources')}`;
    };
  }

  /** Each circle is told once, where it closes. */
  private refuseCircles(): void {
    const done = new Set<string>();
    const visit = (name: string, trail: readonly string[]): void => {
      if (done.has(name)) return;
      const way = [...trail, name];
      for (const [other, {position, path}] of this.#wanted.get(name) ?? []) {
        const start = way.indexOf(other);
        if (start < 0) visit(other, way);
        else
          this.problems.add(position, path, `leads in a circle: ${[...way.slice(start), other].join(' -> ')}`, {
            code: 'DEPENDENCY_CYCLE',
          });
      }
      done.add(name);
    };
    for (const name of this.#wanted.keys()) visit(name, []);
  }
}

function onlyTexts(entries: ReadonlyMap<string, TreeEntry>): ReadonlyMap<string, TreeEntry> {
  return new Map([...entries].filter(([key]) => TEXT_KEYS.includes(key)));
}
