/** Says what is wrong with a value, or nothing. A path is put together only for what is wrong. */
export type Check = (value: unknown) => string | undefined;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const anything: Check = () => undefined;

export const text: Check = value => (typeof value === 'string' ? undefined : 'is not text');

export const filled: Check = value => (typeof value === 'string' && value !== '' ? undefined : 'is not text, or empty');

export const flag: Check = value => (typeof value === 'boolean' ? undefined : 'is neither true nor false');

export function integer(least: number): Check {
  return value =>
    Number.isSafeInteger(value) && (value as number) >= least ? undefined : `is not an integer from ${least}`;
}

export function matching(pattern: RegExp, what: string): Check {
  return value => (typeof value === 'string' && pattern.test(value) ? undefined : `is not ${what}`);
}

export function oneOf(values: readonly unknown[]): Check {
  const known = new Set(values);
  return value => (known.has(value) ? undefined : `is none of ${values.join(', ')}`);
}

export function list(entry: Check): Check {
  return value => {
    if (!Array.isArray(value)) return 'is not a list';
    for (let index = 0; index < value.length; index++) {
      const problem = entry(value[index]);
      if (problem !== undefined) return `[${index}] ${problem}`;
    }
    return undefined;
  };
}

/**
 * An object with these fields; others are ignored.
 *
 * `null` in an optional field means that it is absent: it is taken out, so that the types need not say so.
 */
export function shape(required: Record<string, Check>, optional: Record<string, Check> = {}): Check {
  const needed = Object.entries(required);
  const possible = Object.entries(optional);
  return value => {
    if (!isRecord(value)) return 'is not an object';
    for (const [name, check] of needed) {
      if (!Object.hasOwn(value, name)) return `lacks "${name}"`;
      const problem = check(value[name]);
      if (problem !== undefined) return `.${name} ${problem}`;
    }
    for (const [name, check] of possible) {
      const found = value[name];
      if (found === undefined) continue;
      if (found === null) delete value[name];
      else {
        const problem = check(found);
        if (problem !== undefined) return `.${name} ${problem}`;
      }
    }
    return undefined;
  };
}
