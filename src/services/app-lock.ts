import type {Scope} from '@cloudctl/provider-sdk';
import {type HeldLock, withLock} from '../ledger/lock.js';
import type {Session} from './session.js';

/** What one deploy at a time may touch: an app, or a resource that has none. */
export interface Place {
  type: string;
  /** NAME; of any of its resources where there is an app. */
  resource: string;
  app?: string | undefined;
}

/** What a place is called: `app "shop"`, `storage "model-store"`. */
export function placeTitle({type, resource, app}: Place): string {
  return app === undefined ? `${type} "${resource}"` : `app "${app}"`;
}

/** Runs `work` while no other process of this machine deploys to the same place. */
export function withPlace<T>(
  {definition, target, locks, host}: Session,
  {workspace, environment}: Scope,
  place: Place,
  work: (held: HeldLock) => Promise<T>,
): Promise<T> {
  const what = place.app ?? `${place.type} ${place.resource}`;
  const name = [definition.name, target.name, workspace, environment, what].join(' ');
  return withLock(locks, name, {title: placeTitle(place), signal: host.signal, report: host.report}, work);
}
