import {type FlagDefinition, type FlagValue, nearestNames} from '@cloudctl/provider-sdk';
import {hasReferences, type Interpolation} from './interpolation.js';
import {below, type Position, type Problems, quote} from './problems.js';
import type {Refusal} from './secrets.js';
import type {Tree, TreeScalar} from './yaml-tree.js';

/** A flag that takes `KEY=VALUE`, which in a file may be a mapping. */
export function takesPairs(flag: FlagDefinition): boolean {
  return flag.kind === 'string' && flag.multiple === true && /^[A-Z]+=[A-Z]+$/.test(flag.placeholder ?? '');
}

/** A number as it was meant, as on the command line. */
const SHAPES = {integer: /^[+-]?\d+$/, number: /^[+-]?(\d+\.?\d*|\.\d+)$/};

/**
 * Reads values of the file by the flags that they stand for, and says what is wrong with them.
 *
 * Without variables it checks only: what has references is looked at for its form, and its value stays open.
 */
export class ValueReader {
  constructor(
    private readonly problems: Problems,
    private readonly interpolation: Interpolation,
    private readonly variables: 'apply' | 'leave',
  ) {}

  /** @returns nothing where there is no value, or none yet. */
  flag(flag: FlagDefinition, value: Tree, path: string): FlagValue | undefined {
    if (flag.multiple !== true) return this.single(flag, value, path);
    if (takesPairs(flag) && value.kind === 'map') {
      const pairs: string[] = [];
      for (const [key, entry] of value.entries) {
        if (key === '' || key.includes('=')) this.problems.add(entry.position, path, `${quote(key)} is no name`);
        const text = this.pairValue(entry.value, below(path, key));
        if (text !== undefined) pairs.push(`${key}=${text}`);
      }
      return pairs;
    }
    if (value.kind !== 'list') {
      const written = value.kind === 'scalar' && value.text !== '' ? ` Write [${value.text.slice(0, 60)}].` : '';
      const what = takesPairs(flag) ? 'a mapping, or a list of KEY=VALUE' : 'a list';
      this.problems.add(
        value.position,
        path,
        `takes ${what}, not ${describe(value)}.${takesPairs(flag) ? '' : written}`,
      );
      return undefined;
    }
    const items = value.items.map((item, i) => this.item(flag, item, below(path, i)));
    const there = items.filter(item => item !== undefined);
    // Of other kinds than text no flag is multiple so far; the contract has no type for it.
    return there as unknown as readonly string[];
  }

  /** Text of a key of the file's own, never empty. */
  text(value: Tree, path: string): string | undefined {
    const text = this.single({kind: 'string', summary: ''}, value, path) as string | undefined;
    if (text?.trim() !== '') return text;
    this.problems.add(value.position, path, 'is empty');
    return undefined;
  }

  private item(flag: FlagDefinition, item: Tree, path: string): string | number | boolean | undefined {
    const value = this.single(flag, item, path);
    // What comes of a variable may be a secret: the text is not repeated.
    if (takesPairs(flag) && typeof value === 'string' && value.indexOf('=') < 1) {
      this.problems.add(item.position, path, 'takes KEY=VALUE, such as LOG_LEVEL=debug');
      return undefined;
    }
    return value;
  }

  /** The value of a pair: text, or a number or truth value just as it is written. */
  private pairValue(value: Tree, path: string): string | undefined {
    if (value.kind === 'scalar' && value.value !== null && typeof value.value !== 'string') return value.text;
    return this.single({kind: 'string', summary: ''}, value, path) as string | undefined;
  }

  private single(flag: FlagDefinition, tree: Tree, path: string): string | number | boolean | undefined {
    const refuse = (message: string): undefined => {
      this.problems.add(tree.position, path, message);
    };
    if (tree.kind !== 'scalar') return refuse(`takes ${kindOf(flag)}, not ${describe(tree)}`);
    if (tree.value === null) return refuse('has no value');
    if (typeof tree.value === 'string' && hasReferences(tree.value)) return this.referring(flag, tree, path);
    const value = typeof tree.value === 'string' ? tree.value.replaceAll('$${', '${') : tree.value;
    const wrong = mismatch(flag, value, tree.text);
    return wrong === undefined ? value : refuse(wrong);
  }

  private referring(
    flag: FlagDefinition,
    {text, position}: TreeScalar,
    path: string,
  ): string | number | boolean | undefined {
    if (this.variables === 'leave') {
      this.refused(position, path, this.interpolation.check(text));
      return undefined;
    }
    const result = this.interpolation.apply(text);
    if ('refusals' in result) {
      for (const refusal of result.refusals) this.refused(position, path, refusal);
      return undefined;
    }
    const value = convert(flag, result.text);
    if (value !== undefined && mismatch(flag, value, '') === undefined) return value;
    // The value comes from outside and may be a secret.
    this.problems.add(position, path, `takes ${kindOf(flag)}, which the variables do not give`);
    return undefined;
  }

  private refused(position: Position, path: string, refusal: Refusal | undefined): void {
    if (refusal !== undefined) this.problems.add(position, path, refusal.message, refusal);
  }
}

/** Text of a variable, by the kind of the flag. */
function convert({kind}: FlagDefinition, text: string): string | number | boolean | undefined {
  if (kind === 'string') return text;
  if (kind === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  return SHAPES[kind].test(text.trim()) ? Number(text) : undefined;
}

/** Why the value is none of the flag's. */
function mismatch(flag: FlagDefinition, value: string | number | boolean, written: string): string | undefined {
  const {kind, options, min = -Infinity, max = Infinity} = flag;
  const wanted = `takes ${kindOf(flag)}`;
  if (kind === 'string') {
    if (typeof value !== 'string') return `${wanted}; ${written} is ${nameOf(value)}: write "${written}", in quotes`;
    if (options === undefined || options.includes(value)) return undefined;
    const [near] = nearestNames(value.slice(0, 100), options);
    return `${wanted}, not ${quote(value)}.${near === undefined ? '' : ` Did you mean "${near}"?`}`;
  }
  if (kind === 'boolean') return typeof value === 'boolean' ? undefined : `${wanted}, not ${show(value)}`;
  if (typeof value === 'string' && SHAPES[kind].test(value)) return `${wanted}: write it without quotes`;
  const whole = kind === 'number' ? Number.isFinite(value) : Number.isSafeInteger(value);
  if (typeof value === 'number' && whole && value >= min && value <= max) return undefined;
  return `${wanted}, not ${typeof value === 'number' && written !== '' ? written.slice(0, 60) : show(value)}`;
}

/** What a flag takes, for people. */
function kindOf({kind, options, min, max}: FlagDefinition): string {
  if (options !== undefined) return `one of ${options.join(', ')}`;
  if (kind === 'string') return 'text';
  if (kind === 'boolean') return 'true or false';
  const what = kind === 'integer' ? 'a whole number' : 'a number';
  if (min !== undefined && max !== undefined) return `${what} from ${min} to ${max}`;
  if (min !== undefined) return `${what} of at least ${min}`;
  return max === undefined ? what : `${what} of at most ${max}`;
}

function describe(tree: Tree): string {
  if (tree.kind !== 'scalar') return tree.kind === 'map' ? 'a mapping' : 'a list';
  return tree.value === null ? 'nothing' : nameOf(tree.value);
}

function nameOf(value: string | number | boolean): string {
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'a number' : `${value} (true or false)`;
}

function show(value: string | number | boolean): string {
  return typeof value === 'string' ? `the text ${quote(value)}` : String(value);
}
