/** A label and its value; absent or empty values are left out. */
export type FactLine = readonly [label: string, value: string | number | undefined];

/** Facts for people, one a line: `Label: value`. Aligned, the values stand one below the other. */
export function factLines(facts: readonly FactLine[], aligned = false): string {
  const known = facts.filter(([, value]) => value !== undefined && value !== '');
  const width = aligned ? Math.max(0, ...known.map(([label]) => label.length)) + 3 : 0;
  return known.map(([label, value]) => `${`${label}: `.padEnd(width)}${value}`).join('\n');
}
