/** A letter that has another case or other code points. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: what is neither A to Z nor beyond ASCII.
const FOLDS = /[^\x00-\x40\x5b-\x7f]/;

/** Warnings about names of one folder that file systems of other machines take for one. */
export function collisionsAmong(names: readonly string[], prefix: string): string[] {
  if (!names.some(name => FOLDS.test(name))) return [];
  const met = new Map<string, string>();
  return names.flatMap(name => {
    const key = name.toLowerCase().normalize();
    const other = met.get(key);
    if (other === undefined) {
      met.set(key, name);
      return [];
    }
    const why =
      other.normalize() === name.normalize()
        ? 'are the same letters in other code points (NFC and NFD): macOS takes them for one file'
        : 'differ only in case: macOS and Windows take them for one file';
    return [`${prefix}${other} and ${prefix}${name} ${why}.`];
  });
}
