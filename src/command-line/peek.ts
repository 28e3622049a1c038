/** Flags of the provider verbs that take a value, so that a peek does not mistake the value for an argument. */
const WITH_VALUE = new Set([
  '--provider',
  '-p',
  '--target',
  '-t',
  '--profile',
  '--name',
  '--source',
  '--filter',
  '--data',
  '--environment',
  '-e',
  '--file',
  '-f',
  '--only',
  '--out',
  '-o',
  '--plan',
  '--app',
  '--to',
]);

export interface Peeked {
  provider?: string;
  target?: string;
  /** The resource type: the first word that is one of the known types, else the first that is no flag. */
  type?: string;
}

/** A look at argv before it can be parsed: the flags to parse with depend on the provider and the resource type. */
export function peek(argv: readonly string[], types: readonly string[] = []): Peeked {
  const peeked: Peeked = {};
  // The value of a provider's flag looks like an argument as long as nobody knows the flag.
  const known = argv.find((word, i) => types.includes(word) && !WITH_VALUE.has(argv[i - 1] ?? ''));
  if (known !== undefined) peeked.type = known;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') break;
    if (!word.startsWith('-')) {
      peeked.type ??= word;
      continue;
    }
    const cut = word.indexOf('=');
    const flag = cut < 0 ? word : word.slice(0, cut);
    const value = cut < 0 ? argv[i + 1] : word.slice(cut + 1);
    if (!WITH_VALUE.has(flag)) continue;
    if (cut < 0) i += 1;
    if (value === undefined) continue;
    if (flag === '--provider' || flag === '-p') peeked.provider = value;
    if (flag === '--target' || flag === '-t') peeked.target = value;
  }
  return peeked;
}
