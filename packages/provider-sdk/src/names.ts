/** Edit distance in which a swap of neighbours counts as one, as typing errors do. */
function distance(a: string, b: string): number {
  const rows: number[][] = Array.from({length: a.length + 1}, (_, i) => [i]);
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      rows[i]![j] = best;
    }
  }
  return rows[a.length]![b.length]!;
}

/**
 * The candidates that a typing error most likely meant, best first.
 *
 * @returns at most `limit` names, none further away than a third of their length.
 */
export function nearestNames(typed: string, candidates: Iterable<string>, limit = 3): string[] {
  const wanted = typed.toLowerCase();
  return [...new Set(candidates)]
    .map(name => ({name, away: distance(wanted, name.toLowerCase())}))
    .filter(({name, away}) => away <= Math.max(1, Math.floor(Math.max(name.length, wanted.length) / 3)))
    .sort((a, b) => a.away - b.away || a.name.localeCompare(b.name))
    .slice(0, limit)
    .map(({name}) => name);
}

/** `Did you mean "a" or "b"?`, or nothing where no candidate is near. */
export function didYouMean(typed: string, candidates: Iterable<string>): string[] {
  const near = nearestNames(typed, candidates).map(name => `"${name}"`);
  return near.length === 0 ? [] : [`Did you mean ${near.join(' or ')}?`];
}

/**
 * What NAME may be: safe as a file name, short enough for every provider. `@` and the name of an environment of
 * `cloudctl.yaml` may follow: `quote@staging`.
 */
export const RESOURCE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}(@[A-Za-z0-9][A-Za-z0-9._-]{0,63})?$/;
