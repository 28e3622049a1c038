import type {Alias, Node, Pair, Scalar, YAMLMap, YAMLSeq} from 'yaml';
import {below, type Position, type Problems, placesIn, quote} from './problems.js';

/** What a YAML file says, without anchors, aliases and merge keys, each part with its place in the file. */
export type Tree = TreeMap | TreeList | TreeScalar;

export interface TreeMap {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, TreeEntry>;
  readonly position: Position;
}

export interface TreeEntry {
  /** Of the key. */
  readonly position: Position;
  readonly value: Tree;
}

export interface TreeList {
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly position: Position;
}

export interface TreeScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it is written: `1.10` for the number 1.1. Of text, the text. */
  readonly text: string;
  readonly position: Position;
}

/** How deep a project file can nest: the parts of the library that recurse would bring the process down. */
const DEEPEST = 64;
/** How many values there may be once every alias stands for what it means. */
const MOST_VALUES = 100_000;
const MOST_SYNTAX_ERRORS = 5;

const TAGS = new Set(['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map(name => `tag:yaml.org,2002:${name}`));

/** Plainer words for what the parser says most often. Its other messages stand as they are. */
const WORDS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab: YAML indents with spaces only',
  MULTIPLE_DOCS: 'a second document ("---" or "..."): the file holds one',
  BLOCK_AS_IMPLICIT_KEY: 'a key within a value: the line above is indented otherwise, or text with ": " lacks quotes',
  MULTILINE_IMPLICIT_KEY: 'a key without ":", or an indentation that does not fit the lines above',
};

/**
 * Reads YAML 1.2.
 *
 * @returns nothing where there is nothing to go on with; `problems` then says why, unless the file is empty.
 */
export async function parseTree(text: string, problems: Problems): Promise<Tree | undefined> {
  const yaml = await import('yaml');
  const at = placesIn(text);
  const tokens = [...new yaml.Parser().parse(text)];
  const quoted = new Map<number, number>();
  for (const {type, offset, source, depth} of partsOf(tokens)) {
    if (depth > DEEPEST) {
      problems.add(at(offset), '', `nested more than ${DEEPEST} levels deep`);
      return undefined;
    }
    if (type.endsWith('quoted-scalar')) quoted.set(offset + (source?.length ?? 0), offset);
  }
  const options = {prettyErrors: false, uniqueKeys: false, version: '1.2'} as const;
  const documents = [...new yaml.Composer(options).compose(tokens, true, text.length)];
  const document = documents[0]!;
  const second = documents[1];
  if (second !== undefined && document.errors.length === 0)
    problems.add(at(second.range[0]), '', WORDS['MULTIPLE_DOCS']!);
  for (const {code, message, pos} of document.errors.slice(0, MOST_SYNTAX_ERRORS)) {
    const open = /^Missing closing .quote/.test(message) ? quoted.get(pos[0]) : undefined;
    if (open !== undefined) problems.add(at(open), '', 'text that begins with a quote, and never ends with one');
    else problems.add(at(pos[0]), '', WORDS[code] ?? `not YAML: ${plain(message)}`);
  }
  if (document.directives.yaml.version !== '1.2')
    problems.add({line: 1, column: 1}, '', 'YAML 1.1, where "yes" and "on" are no text: leave the %YAML line out');
  if (problems.any || document.contents === null) return undefined;
  const converter = new Converter(yaml, at, problems);
  const tree = converter.convert(document.contents, '', 0);
  return problems.any ? undefined : tree;
}

/** The parser's own words, without what it repeats of the file. */
function plain(message: string): string {
  const text = message.replace(/: ".*$/s, '');
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

interface CstPart {
  type: string;
  offset: number;
  source?: string;
  value?: unknown;
  items?: readonly {key?: unknown; value?: unknown}[];
}

/** All parts of what the parser read, with how deep they are nested. Without recursion: they may be very deep. */
function* partsOf(tokens: readonly unknown[]): Generator<CstPart & {depth: number}> {
  const waiting = tokens.map((token): [part: unknown, depth: number] => [token, 0]).reverse();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [part, depth] = next;
    if (typeof part !== 'object' || part === null || !('type' in part)) continue;
    const known = part as unknown as CstPart;
    yield {...known, depth};
    waiting.push([known.value, depth + 1]);
    for (const item of known.items ?? []) waiting.push([item.key, depth + 1], [item.value, depth + 1]);
  }
}

/** What a node became, and how many values that is with every alias spelled out. */
interface Converted {
  tree: Tree;
  values: number;
}

class Converter {
  /** By node: what an alias points to is made once, however often it is used. */
  readonly #done = new Map<Node, Converted>();
  readonly #open = new Set<Node>();
  /** The latest of each name so far; nodes are met in the file's order. */
  readonly #anchors = new Map<string, Node>();
  #copied = 0;

  constructor(
    private readonly yaml: Pick<typeof import('yaml'), 'isAlias' | 'isMap' | 'isSeq' | 'isScalar'>,
    private readonly at: (offset: number) => Position,
    private readonly problems: Problems,
  ) {}

  /** @param fallback offset of what has no range of its own. */
  convert(node: unknown, path: string, fallback: number): Tree {
    return this.node(node as Node | null, path, fallback).tree;
  }

  private node(node: Node | null, path: string, fallback: number): Converted {
    if (node === null) return this.nothing(fallback);
    const position = this.at(node.range?.[0] ?? fallback);
    if (this.yaml.isAlias(node)) return this.alias(node, path, position);
    const known = this.#done.get(node);
    if (known !== undefined) return known;
    const {tag, anchor} = node as {tag?: string; anchor?: string};
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    if (tag !== undefined && !TAGS.has(tag)) this.problems.add(position, path, `the tag ${quote(tag)} is not taken`);
    this.#open.add(node);
    const made = this.yaml.isMap(node)
      ? this.map(node, path, position)
      : this.yaml.isSeq(node)
        ? this.list(node, path, position)
        : this.scalar(node as Scalar, path, position);
    this.#open.delete(node);
    this.#done.set(node, made);
    return made;
  }

  private nothing(offset: number): Converted {
    return {tree: {kind: 'scalar', value: null, text: '', position: this.at(offset)}, values: 1};
  }

  private alias(alias: Alias, path: string, position: Position): Converted {
    const target = this.#anchors.get(alias.source);
    if (target === undefined) this.problems.add(position, path, `there is no anchor &${alias.source} above`);
    else if (this.#open.has(target)) this.problems.add(position, path, `*${alias.source} contains itself`);
    else return this.node(target, path, alias.range?.[0] ?? 0);
    return this.nothing(alias.range?.[0] ?? 0);
  }

  private scalar(node: Scalar, path: string, position: Position): Converted {
    const {value} = node;
    const text = typeof value === 'string' ? value : (node.source ?? String(value));
    const plain =
      value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string';
    if (!plain) this.problems.add(position, path, `the value ${quote(text)} is not taken`);
    return {tree: {kind: 'scalar', value: plain ? value : null, text, position}, values: 1};
  }

  private list(node: YAMLSeq, path: string, position: Position): Converted {
    const items = node.items.map((item, i) => this.node(item as Node | null, below(path, i), node.range?.[0] ?? 0));
    const values = this.count(items, path, position);
    return {tree: {kind: 'list', items: values === 0 ? [] : items.map(({tree}) => tree), position}, values};
  }

  private map(node: YAMLMap, path: string, position: Position): Converted {
    const entries = new Map<string, TreeEntry>();
    const parts: Converted[] = [];
    const merged: Tree[] = [];
    let merges = 0;
    for (const {key, value} of node.items as Pair[]) {
      const offset = (key as Node | null)?.range?.[0] ?? node.range?.[0] ?? 0;
      const name = this.key(key, path, this.at(offset));
      if (name === undefined) continue;
      const made = this.node(value as Node | null, below(path, name), offset);
      parts.push(made);
      const known = entries.get(name);
      if (name === '<<' && (key as Scalar).type === 'PLAIN') {
        if (merges++ > 0) this.problems.add(this.at(offset), path, 'a second "<<": merge a list, <<: [*a, *b]');
        merged.push(...this.merged(made.tree, path));
      } else if (known !== undefined) {
        this.problems.add(
          this.at(offset),
          below(path, name),
          `stands here twice; first in line ${known.position.line}`,
        );
      } else entries.set(name, {position: this.at(offset), value: made.tree});
    }
    // Own keys win over merged ones, and of these the first.
    for (const map of merged as TreeMap[]) {
      this.#copied += map.entries.size;
      if (this.#copied > MOST_VALUES)
        return {tree: {kind: 'map', entries, position}, values: this.tooMany(path, position)};
      for (const [name, entry] of map.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    const values = this.count(parts, path, position);
    return {tree: {kind: 'map', entries: values === 0 ? new Map<string, TreeEntry>() : entries, position}, values};
  }

  private key(key: unknown, path: string, position: Position): string | undefined {
    if (!this.yaml.isScalar(key)) {
      this.problems.add(position, path, 'a key that is no plain text');
      return undefined;
    }
    if (typeof key.value === 'string') return key.value;
    const text = key.source ?? '';
    const what =
      typeof key.value === 'number' ? 'a number' : typeof key.value === 'boolean' ? 'true or false' : 'empty';
    const instead = text === '' ? '' : `; as text it is "${text}", in quotes`;
    this.problems.add(position, path, `the key ${quote(text)} is ${what}${instead}`);
    return undefined;
  }

  private merged(tree: Tree, path: string): Tree[] {
    const maps = tree.kind === 'list' ? tree.items : [tree];
    const wrong = maps.find(({kind}) => kind !== 'map');
    if (wrong === undefined) return [...maps];
    this.problems.add(wrong.position, path, '"<<" takes an alias of a mapping, or a list of them');
    return [];
  }

  /** @returns 0 where there are too many, so that nobody walks through them. */
  private count(parts: readonly Converted[], path: string, position: Position): number {
    if (parts.some(({values}) => values === 0)) return 0;
    const values = parts.reduce((sum, part) => sum + part.values, 1);
    return values <= MOST_VALUES ? values : this.tooMany(path, position);
  }

  private tooMany(path: string, position: Position): 0 {
    this.problems.add(position, path, `more than ${MOST_VALUES} values, with every alias spelled out`);
    return 0;
  }
}
