import type {JsonValue} from '@cloudctl/provider-sdk';

/** Characters of a digest that tell packages apart well enough for people. */
const SHORT = 12;

/** A value of a spec as it is typed, lists and objects as JSON. */
export function valueText(value: JsonValue | undefined): string {
  if (value === undefined || value === null || value === '') return '(none)';
  if (typeof value === 'object' && Object.keys(value).length === 0) return '(none)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `sha256:9f86d081884c...` as `9f86d081884c`. */
export function shortDigest(digest: JsonValue | undefined): string {
  return typeof digest === 'string' ? digest.slice(digest.indexOf(':') + 1).slice(0, SHORT) : '(none)';
}

/** A time (ISO 8601) to the second. */
export function timeText(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}
