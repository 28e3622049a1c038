import {type FlagDefinition, type FlagDefinitions, usageError} from '@cloudctl/provider-sdk';

/** An oclif flag as plain data; oclif itself stays in the commands. */
export interface OclifFlag {
  type: 'option' | 'boolean';
  name: string;
  summary: string;
  description?: string;
  helpGroup: string;
  helpValue?: string;
  options?: readonly string[];
  multiple?: boolean;
  env?: string;
  allowNo?: boolean;
  input: readonly string[];
  parse(input: unknown): Promise<unknown>;
}

/** A provider's flags in oclif's form, under a heading of their own in the help. */
export function toOclifFlags(definitions: FlagDefinitions, heading: string): Record<string, OclifFlag> {
  return Object.fromEntries(
    Object.entries(definitions).map(([name, flag]) => [name, toOclifFlag(name, flag, heading)]),
  );
}

function toOclifFlag(name: string, flag: FlagDefinition, helpGroup: string): OclifFlag {
  const summary = flag.defaultText === undefined ? flag.summary : `[default: ${flag.defaultText}] ${flag.summary}`;
  return {
    type: flag.kind === 'boolean' ? 'boolean' : 'option',
    name,
    summary,
    helpGroup,
    input: [],
    parse: async input => (flag.kind === 'boolean' ? input : parseValue(name, flag, String(input))),
    ...(flag.description === undefined ? {} : {description: flag.description}),
    ...(flag.placeholder === undefined ? {} : {helpValue: flag.placeholder}),
    ...(flag.options === undefined ? {} : {options: flag.options}),
    ...(flag.multiple === true ? {multiple: true} : {}),
    ...(flag.env === undefined ? {} : {env: flag.env}),
  };
}

/** A number as it was meant: `0x10`, `1e3` and the empty string are typing errors. */
function parseValue(name: string, flag: FlagDefinition, input: string): string | number {
  if (flag.kind === 'string') return input;
  const shape = flag.kind === 'integer' ? /^[+-]?\d+$/ : /^[+-]?(\d+\.?\d*|\.\d+)$/;
  const what = flag.kind === 'integer' ? 'a whole number' : 'a number';
  const range =
    flag.min !== undefined && flag.max !== undefined
      ? ` from ${flag.min} to ${flag.max}`
      : flag.min !== undefined
        ? ` of at least ${flag.min}`
        : '';
  const value = Number(input);
  const fits = shape.test(input.trim()) && value >= (flag.min ?? -Infinity) && value <= (flag.max ?? Infinity);
  if (!fits) throw usageError('BAD_FLAG_VALUE', `--${name} takes ${what}${range}, not "${input}".`);
  return value;
}
