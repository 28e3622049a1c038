/** A flag as plain data, so that the core can parse and document it without running provider code. */
export interface FlagDefinition {
  kind: 'string' | 'integer' | 'number' | 'boolean';
  summary: string;
  /** Longer text for `--help`. */
  description?: string;
  /** Shown in help where no value is fixed: `NAME:/path`. */
  placeholder?: string;
  options?: readonly string[];
  /** May be given several times; the value is then a list. */
  multiple?: boolean;
  /** Environment variable that stands in for the flag. */
  env?: string;
  min?: number;
  max?: number;
  /** Shown in help; the provider applies it, so that it can depend on other flags. */
  defaultText?: string;
  /** A value that makes sense: `cloudctl init` writes it as a comment, and editors offer it. */
  example?: FlagValue;
}

export type FlagDefinitions = Readonly<Record<string, FlagDefinition>>;

export type FlagValue = string | number | boolean | readonly string[];

/** Flags as they were given; what was not given is absent. */
export type FlagValues = Readonly<Record<string, FlagValue | undefined>>;
