/** Facts for people, one a line, the values one below the other. What is absent is left out. */
export function factLines(facts: Readonly<Record<string, string | number | undefined>>): string {
  const present = Object.entries(facts).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...present.map(([label]) => label.length)) + 2;
  return present.map(([label, value]) => `${`${label}:`.padEnd(width)}${value}`).join('\n');
}
