import {CloudError, didYouMean, EXIT, type ExitCode} from '@cloudctl/provider-sdk';

/** A place in a file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A place by line and column, and by the file's structure: `resources.image-generator.gpu`. */
export interface Place {
  readonly position: Position;
  readonly path: string;
}

/** Finds places in a text by their offset. Lines end with a line feed, with or without a carriage return before it. */
export function placesIn(text: string): (offset: number) => Position {
  const starts = [0];
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return offset => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return {line: low + 1, column: Math.min(offset, text.length) - starts[low]! + 1};
  };
}

/** Something that is wrong with a project file. */
export interface Problem extends Position {
  /** Where in the file's structure: `resources.image-generator.gpu`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

export interface ProblemKind {
  code: string;
  exitCode: ExitCode;
}

const INVALID: ProblemKind = {code: 'PROJECT_FILE_INVALID', exitCode: EXIT.usage};
/** How many are told to people; `data` has more. */
const TOLD = 20;
const KEPT = 200;

/** Gathers what is wrong with one file, so that all of it is said at once. */
export class Problems {
  readonly #found: {problem: Problem; kind: ProblemKind; hints: readonly string[]}[] = [];
  readonly #seen = new Set<string>();
  #more = 0;

  /** @param shown the file's name as people are to see it. */
  constructor(private readonly shown: string) {}

  get any(): boolean {
    return this.#found.length > 0;
  }

  /**
   * The same problem at the same place counts once, by whichever way it was found.
   *
   * @param words the message, or what makes it where that takes time, as a search for the nearest name does.
   */
  add(
    {line, column}: Position,
    path: string,
    words: string | (() => string),
    {
      hints = [],
      code = INVALID.code,
      exitCode = INVALID.exitCode,
    }: Partial<ProblemKind> & {hints?: readonly string[]} = {},
  ): void {
    if (this.#found.length >= KEPT) {
      this.#more++;
      return;
    }
    const message = typeof words === 'string' ? words : words();
    const id = `${line}:${column}:${message}`;
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    this.#found.push({problem: {line, column, path, message}, kind: {code, exitCode}, hints});
  }

  /** @throws CloudError that tells all problems in the file's order; code and exit code are those of the first. */
  throwIfAny(): void {
    if (this.any) throw this.error();
  }

  error(): CloudError {
    const found = this.#found.toSorted(
      ({problem: a}, {problem: b}) => a.line - b.line || a.column - b.column || a.path.localeCompare(b.path),
    );
    const lines = found
      .slice(0, TOLD)
      .map(({problem: {line, column, path, message}}) =>
        [`${this.shown}:${line}:${column}`, ...(path === '' ? [] : [path]), message].join(': '),
      );
    const left = found.length - lines.length + this.#more;
    if (left > 0) lines.push(`... and ${left} more`);
    return new CloudError(lines.join('\n'), {
      ...found[0]!.kind,
      hints: [...new Set(found.flatMap(({hints}) => hints))].slice(0, 5),
      data: {file: this.shown, problems: found.map(({problem}) => problem)},
    });
  }
}

/** Text of the file in a message: on one line, no control characters, not too long. */
export function quote(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return JSON.stringify(short).replace(
    /[\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/g,
    odd => `\\u${odd.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** ` Did you mean "a"?`, else what there is. */
export function suggest(typed: string, candidates: readonly string[], what: string): string {
  const [near] = didYouMean(typed.slice(0, 100), candidates);
  if (near !== undefined) return ` ${near}`;
  if (candidates.length === 0) return '';
  return ` ${what}: ${candidates.slice(0, 30).join(', ')}${candidates.length > 30 ? ', ...' : ''}.`;
}

/** One step further into the structure. */
export function below(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  const step = /^[\w-]{1,64}$/.test(key) ? key : quote(key);
  return path === '' ? step : `${path}.${step}`;
}
