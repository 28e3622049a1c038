import {isDeepStrictEqual} from 'node:util';
import type {Change, Spec} from '@cloudctl/provider-sdk';

/** The fields that differ between two specs, by name. What only the deployment itself adds is not compared. */
export function changesBetween(before: Spec, after: Spec): Change[] {
  return Object.keys(after)
    .filter(field => !isDeepStrictEqual(before[field] ?? null, after[field] ?? null))
    .sort()
    .map(field => ({field, before: before[field] ?? null, after: after[field] ?? null}));
}
