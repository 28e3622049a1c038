import {EXIT} from '@cloudctl/provider-sdk';
import type {Refusal, SecretGuard} from './secrets.js';

interface Reference {
  name: string;
  /** Used where the variable is unset or empty. */
  instead?: string;
}

type Part = string | Reference;

const REFERENCE = /^\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/;

/** Whether the text has references to variables, so that its value is known only with them. */
export function hasReferences(text: string): boolean {
  return /\$\{/.test(text.replaceAll('$${', ''));
}

/** `${NAME}`, `${NAME:-default}` and `$${` in texts of the project file. */
export class Interpolation {
  constructor(
    private readonly variables: Readonly<Record<string, string | undefined>>,
    private readonly secrets: SecretGuard,
  ) {}

  /** What is wrong with the text whatever the variables are. */
  check(text: string): Refusal | undefined {
    const parts = parse(text);
    return Array.isArray(parts) ? this.forbidden(parts) : parts;
  }

  /** The text with its variables. */
  apply(text: string): {text: string} | {refusals: readonly Refusal[]} {
    const parts = parse(text);
    if (!Array.isArray(parts)) return {refusals: [parts]};
    const forbidden = this.forbidden(parts);
    if (forbidden !== undefined) return {refusals: [forbidden]};
    const refusals: Refusal[] = [];
    const pieces = parts.map(part => {
      if (typeof part === 'string') return part;
      // `${constructor}` is no variable, though every object has one.
      const value = Object.hasOwn(this.variables, part.name) ? this.variables[part.name] : undefined;
      if (part.instead !== undefined) return value || part.instead;
      if (value === undefined) refusals.push(unset(part.name));
      return value ?? '';
    });
    if (refusals.length > 0) return {refusals};
    const whole = pieces.join('');
    const [found] = this.secrets.find(whole);
    return found === undefined ? {text: whole} : {refusals: [found.refusal]};
  }

  private forbidden(parts: readonly Part[]): Refusal | undefined {
    for (const part of parts) {
      const refusal = typeof part === 'string' ? undefined : this.secrets.ofVariable(part.name);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }
}

function parse(text: string): Part[] | Refusal {
  const parts: Part[] = [];
  let rest = text;
  while (rest !== '') {
    const next = rest.search(/\$?\$\{/);
    if (next < 0) return [...parts, rest];
    if (next > 0) parts.push(rest.slice(0, next));
    rest = rest.slice(next);
    if (rest.startsWith('$${')) {
      parts.push('${');
      rest = rest.slice(3);
      continue;
    }
    const [whole, name, instead] = REFERENCE.exec(rest) ?? [];
    if (whole === undefined || instead?.includes('${')) return malformed(instead !== undefined);
    parts.push(instead === undefined ? {name: name!} : {name: name!, instead});
    rest = rest.slice(whole.length);
  }
  return parts;
}

function malformed(nested: boolean): Refusal {
  return {
    code: 'PROJECT_FILE_INVALID',
    exitCode: EXIT.usage,
    message: nested
      ? 'a default cannot have variables of its own'
      : `"\${" begins no variable: write \${NAME} or \${NAME:-default}, and $\${ for the characters themselves`,
    hints: [],
  };
}

function unset(name: string): Refusal {
  return {
    code: 'VARIABLE_NOT_SET',
    exitCode: EXIT.usage,
    message: `the environment variable ${name} is not set`,
    hints: [`Set it: export ${name}=...`, `Or give a default in the file: \${${name}:-value}`],
  };
}
