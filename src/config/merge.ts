import {below, type Position} from './problems.js';
import type {Tree, TreeEntry, TreeList, TreeMap, TreeScalar} from './yaml-tree.js';

/** One part of the file that speaks of a resource: defaults, the resource itself, an environment's overlay. */
export interface Layer {
  readonly path: string;
  readonly entries: ReadonlyMap<string, TreeEntry>;
}

/** A value with the layer that had the last word. */
export interface Placed extends TreeEntry {
  readonly path: string;
}

/** Told of a `null` that takes nothing away, which is a slip. */
export type OnNothing = (position: Position, path: string) => void;

/**
 * Lays layers on each other, the last on top: mappings merge by key, everything else replaces, `null` takes away.
 *
 * A mapping over a list of KEY=VALUE changes the list key by key.
 */
export function mergeLayers(layers: readonly Layer[], onNothing: OnNothing = () => undefined): Map<string, Placed> {
  const merged = new Map<string, Placed>();
  for (const {path, entries} of layers) {
    for (const [key, {value, position}] of entries) {
      const place = below(path, key);
      const known = merged.get(key);
      if (isNull(value)) {
        if (known === undefined) onNothing(value.position, place);
        merged.delete(key);
      } else {
        const nothing = (inner: Position, name: string): void => onNothing(inner, below(place, name));
        merged.set(key, {path: place, position, value: mergeValue(known?.value, value, nothing)});
      }
    }
  }
  return merged;
}

function mergeValue(under: Tree | undefined, over: Tree, onNothing: OnNothing): Tree {
  if (over.kind !== 'map') return over;
  if (under?.kind === 'list') return changePairs(under, over, onNothing);
  const entries = new Map(under?.kind === 'map' ? under.entries : []);
  for (const [key, entry] of over.entries) {
    if (!isNull(entry.value)) entries.set(key, entry);
    else if (!entries.delete(key)) onNothing(entry.value.position, key);
  }
  return {...over, entries};
}

function changePairs(list: TreeList, changes: TreeMap, onNothing: OnNothing): TreeList {
  const keyOf = (item: Tree): string | undefined => /^([^=]+)=/s.exec(item.kind === 'scalar' ? item.text : '')?.[1];
  const items = list.items.filter(item => !changes.entries.has(keyOf(item) ?? ''));
  for (const [key, {value}] of changes.entries) {
    if (!isNull(value)) items.push(pair(key, value));
    else if (!list.items.some(item => keyOf(item) === key)) onNothing(value.position, key);
  }
  return {...list, items};
}

/** What is no scalar stays as it is, to be refused where it is read. */
function pair(key: string, value: Tree): Tree {
  if (value.kind !== 'scalar') return value;
  const text = `${key}=${value.text}`;
  return {...value, value: text, text} satisfies TreeScalar;
}

export function isNull(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.value === null;
}
