import {usageError} from '@cloudctl/provider-sdk';
import {placeTitle} from './app-lock.js';
import type {Desired} from './desired.js';
import type {Session} from './session.js';

/** Resources that are published together: of one type and app, or a single one where there is no app. */
export interface Group {
  session: Session;
  type: string;
  app?: string;
  members: readonly Desired[];
}

/** A group and those that must be there before it. */
export interface Step extends Group {
  after: readonly Step[];
}

interface Item {
  session: Session;
  desired: Desired;
}

/** What a group is called: `app "shop"`, `storage "model-store"`. */
export function titleOf({type, app, members}: Pick<Group, 'type' | 'app' | 'members'>): string {
  return placeTitle({type, app, resource: members[0]!.resource});
}

/**
 * Groups what is published together, in an order in which everything comes after what it needs.
 *
 * @throws CloudError with exit code 2 for a cycle, or for two resources that would be the same thing.
 */
export function orderGroups(items: readonly Item[]): Step[] {
  const groups = new Map<string, {group: Group; members: Desired[]}>();
  const groupOf = new Map<Item, string>();
  for (const item of items) {
    const {session, desired} = item;
    const {type, app, resource} = desired;
    const key = [session.definition.name, session.target.name, type, app ?? `\0${resource}`].join('\n');
    const entry = groups.get(key) ?? {
      group: {session, type, ...(app === undefined ? {} : {app}), members: []},
      members: [],
    };
    const twin = entry.members.find(member => member.name === desired.name);
    if (twin !== undefined) throw sameThing(twin, desired);
    entry.members.push(desired);
    groups.set(key, entry);
    groupOf.set(item, key);
  }
  const needs = new Map<string, Set<string>>([...groups.keys()].map(key => [key, new Set<string>()]));
  for (const item of items) {
    const own = groupOf.get(item)!;
    for (const other of items)
      if (comesBefore(other, item) && groupOf.get(other) !== own) needs.get(own)!.add(groupOf.get(other)!);
  }
  checkOrder(items);
  const steps = new Map<string, Step>();
  const titleOfKey = (key: string): string => {
    const {group, members} = groups.get(key)!;
    return titleOf({...group, members});
  };
  const visit = (key: string, trail: readonly string[]): Step => {
    const done = steps.get(key);
    if (done !== undefined) return done;
    if (trail.includes(key)) throw groupCycle([...trail.slice(trail.indexOf(key)), key].map(titleOfKey));
    const {group, members} = groups.get(key)!;
    const after = [...needs.get(key)!].map(before => visit(before, [...trail, key]));
    const step = {...group, members, after};
    steps.set(key, step);
    return step;
  };
  for (const key of groups.keys()) visit(key, []);
  return [...steps.values()];
}

/** Whether `item` needs `other`: by its declared dependencies, or by the provider's names of what it uses. */
function comesBefore(other: Item, item: Item): boolean {
  if (other === item) return false;
  const {desired} = item;
  return (
    desired.dependsOn.includes(other.desired.resource) ||
    (other.session.definition === item.session.definition &&
      (desired.needs ?? []).some(({type, name}) => type === other.desired.type && name === other.desired.name))
  );
}

/** Resources of one group are published at once, so that a cycle among them would go unnoticed. */
function checkOrder(items: readonly Item[]): void {
  const state = new Map<Item, 'open' | 'done'>();
  const visit = (item: Item, trail: readonly Item[]): void => {
    if (state.get(item) === 'done') return;
    if (state.get(item) === 'open') {
      const names = [...trail.slice(trail.indexOf(item)), item].map(({desired}) => desired.resource);
      throw usageError('DEPENDENCY_CYCLE', `The dependencies lead in a circle: ${names.join(' -> ')}.`, {
        hints: ['Take one of them out of depends-on.'],
        data: {cycle: names},
      });
    }
    state.set(item, 'open');
    for (const other of items) if (comesBefore(other, item)) visit(other, [...trail, item]);
    state.set(item, 'done');
  };
  for (const item of items) visit(item, []);
}

function groupCycle(titles: readonly string[]): Error {
  return usageError('DEPENDENCY_CYCLE', `The dependencies lead in a circle between apps: ${titles.join(' -> ')}.`, {
    hints: ['Everything in an app is published at once: take one of the dependencies out, or split an app.'],
    data: {cycle: titles},
  });
}

function sameThing(one: Desired, other: Desired): Error {
  const place = one.app === undefined ? '' : ` in the app "${one.app}"`;
  return usageError('NAME_TAKEN', `"${one.resource}" and "${other.resource}" are both called "${one.name}"${place}.`, {
    hints: [`Give one of them another name: "name: ${other.resource}"`],
  });
}
