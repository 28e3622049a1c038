import ignore, {type Ignore} from 'ignore';

/** One line of an ignore file. */
export interface Rule {
  /** File and pattern: `.gitignore: data/cache/`. */
  by: string;
  /** `!name`: takes in what an earlier line left out. */
  negative: boolean;
  /** From `.cloudctlignore`: meant for packages, while a `!` in `.gitignore` is about what git keeps. */
  isOwn: boolean;
  /** The pattern says something about the name itself: `*.pem`, but not `src/**`. */
  isNamed: boolean;
}

/** A pattern that is a name, or `*` and the end of a name: settled without a regular expression. */
const LITERAL = /^[^*?[\\/\s!#][^*?[\\/\s]*\/?$/;
const SUFFIX = /^\*[^*?[\\/\s]*\/?$/;

interface Suffix {
  text: string;
  folders: boolean;
  index: number;
}

interface PathPattern {
  /** What a path has to begin with to be worth a closer look. */
  prefix: string;
  matcher: Ignore;
  index: number;
}

/**
 * The patterns of one ignore file, with the meaning that git gives them; the last one that matches counts.
 *
 * Patterns are matched against a path alone and never against its parents: the walk does not enter what is ignored, and
 * a folder that a later file takes in again is not ignored. The library would look at the parents; it is given base
 * names, which have none, or negated patterns, which do not pass down.
 */
export class PatternList {
  readonly #rules: Rule[] = [];
  readonly #names = new Map<string, number>();
  readonly #folderNames = new Map<string, number>();
  readonly #suffixes: Suffix[] = [];
  /** Patterns for base names that need more than a look-up, without their signs, and the last line that has each. */
  #wild: {matcher: Ignore; lines: Map<string, number>; last: number} | undefined;
  readonly #paths: PathPattern[] = [];

  /** @param file name of the ignore file, for people. */
  constructor(text: string, file: string) {
    for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) this.#add(line, line, file);
  }

  /** The patterns of a `.dockerignore`: relative to the top, where those of git without a slash match at any depth. */
  static docker(text: string, file: string): PatternList {
    const list = new PatternList('', file);
    for (const line of text.split(/\r?\n/)) {
      const shown = line.trim();
      const [sign, rest] = shown.startsWith('!') ? ['!', shown.slice(1).trimStart()] : ['', shown];
      if (rest !== '' && !shown.startsWith('#')) list.#add(`${sign}/${rest.replace(/^\.?\//, '')}`, shown, file);
    }
    return list;
  }

  /**
   * The rule that decides, if any.
   *
   * @param name as {@link byteText}.
   * @param path relative to the folder of the ignore file once `skip` characters are dropped.
   */
  match(name: string, path: string, skip: number, isFolder: boolean): Rule | undefined {
    let best = this.#names.get(name) ?? -1;
    if (isFolder) best = Math.max(best, this.#folderNames.get(name) ?? -1);
    for (const {text, folders, index} of this.#suffixes)
      if (index > best && (isFolder || !folders) && name.endsWith(text)) best = index;
    const wild = this.#wild;
    if (wild !== undefined && wild.last > best) {
      const {rule} = wild.matcher.test(isFolder ? `${name}/` : name);
      if (rule !== undefined) best = Math.max(best, wild.lines.get(rule.pattern) ?? -1);
    }
    if (this.#paths.length === 0) return this.#rules[best];
    const relative = byteText(path.slice(skip));
    for (const {prefix, matcher, index} of this.#paths) {
      if (index <= best || !relative.startsWith(prefix)) continue;
      if (matcher.test(isFolder ? `${relative}/` : relative).unignored) best = index;
    }
    return this.#rules[best];
  }

  #add(line: string, shown: string, file: string): void {
    if (line.startsWith('#')) return;
    const negative = line.startsWith('!');
    const pattern = byteText(trimSpaces(negative ? line.slice(1) : line));
    if (pattern === '') return;
    const isOwn = file.endsWith('.cloudctlignore');
    const isNamed = !/(?:^|\/)\*+\/?$/.test(pattern);
    const index = this.#rules.push({by: `${file}: ${trimSpaces(shown)}`, negative, isOwn, isNamed}) - 1;
    const anywhere = pattern.replace(/^\*\*\/(?=[^/]+\/?$)/, '');
    const isFolders = anywhere.endsWith('/');
    if (LITERAL.test(anywhere)) {
      (isFolders ? this.#folderNames : this.#names).set(isFolders ? anywhere.slice(0, -1) : anywhere, index);
    } else if (SUFFIX.test(anywhere)) {
      this.#suffixes.push({text: anywhere.slice(1, isFolders ? -1 : undefined), folders: isFolders, index});
    } else if (pattern.slice(0, -1).includes('/')) {
      this.#paths.push({prefix: literalPrefix(pattern), matcher: caseful().add(`!${pattern}`), index});
    } else {
      this.#wild ??= {matcher: caseful(), lines: new Map(), last: -1};
      const plain = /^[!#]/.test(pattern) ? `\\${pattern}` : pattern;
      this.#wild.matcher.add(plain);
      this.#wild.lines.set(plain, index);
      this.#wild.last = index;
    }
  }
}

/** As git on Linux: `Models/` is not `models/`. */
function caseful(): Ignore {
  return ignore({ignorecase: false});
}

/** Spaces at the end count only where a backslash says so. */
function trimSpaces(text: string): string {
  const trimmed = text.replace(/ +$/, '');
  const isEscaped = /(?:^|[^\\])(?:\\\\)*\\$/.test(trimmed);
  return isEscaped && trimmed.length < text.length ? `${trimmed} ` : trimmed;
}

/** The UTF-8 of a text, a character a byte: `?` and `[!a]` match one byte, as they do in git. */
export function byteText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII.
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text).toString('latin1') : text;
}

function literalPrefix(pattern: string): string {
  const end = pattern.search(/[*?[\\\s]/);
  return (end < 0 ? pattern : pattern.slice(0, end)).replace(/^\//, '').replace(/\/$/, '');
}
