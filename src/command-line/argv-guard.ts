import {type CloudError, nearestNames, usageError} from '@cloudctl/provider-sdk';

/**
 * Keeps secrets that were typed on the command line out of every output.
 *
 * oclif repeats what it does not expect, in errors, under `--json` and in its debug lines. So this looks at argv before
 * oclif is even loaded: what `secrets` does not take ends here, unrepeated, and what it does take (its arguments may be
 * a token pasted into the wrong place) is put aside, with a placeholder in its stead.
 */
export interface Guarded {
  /** What oclif may see. */
  argv: string[];
  /** Why the command does not run. */
  refusal?: CloudError;
}

const TOPIC = 'secrets';
const PLACEHOLDERS = ['PROVIDER', 'KEY'];
/** How many arguments each subcommand takes; none is the storing of a value. */
const SUBCOMMANDS: Readonly<Record<string, number>> = {list: 0, delete: 2, test: 1};
const SWITCHES = new Set(['--stdin', '--json', '--help', '-h']);
const OPTIONS = new Set(['--profile', '--backend']);
const BACKENDS = new Set(['keyring', 'file']);

const aside = new Map<string, string>();

/** What was typed where oclif saw a placeholder. */
export function typedWord(word: string): string {
  return aside.get(word) ?? word;
}

export function guardArguments(argv: readonly string[]): Guarded {
  const first = argv.findIndex(word => !word.startsWith('-'));
  if (first < 0) return {argv: [...argv]};
  const [head = '', ...joined] = argv[first]!.split(':');
  const rest = [...joined.filter(Boolean), ...argv.slice(first + 1)];
  if (head === 'help') return {argv: guardHelp(argv)};
  if (head === TOPIC) return guardSecrets(rest, argv.slice(0, first));
  // A slip in the command's own name: oclif would repeat the whole line.
  if (rest.length > 0 && nearestNames(head, [TOPIC]).length > 0) {
    return refuse('UNKNOWN_COMMAND', 'There is no such command.', ['Did you mean: cloudctl secrets PROVIDER KEY']);
  }
  return {argv: [...argv]};
}

/** `help secrets ...` finds its command by the words; those that name none are dropped. */
function guardHelp(argv: readonly string[]): string[] {
  const at = argv.findIndex(word => word === TOPIC || word.startsWith(`${TOPIC}:`));
  if (at < 0) return [...argv];
  return argv.filter((word, i) => i <= at || word in SUBCOMMANDS || SWITCHES.has(word));
}

function guardSecrets(rest: readonly string[], before: readonly string[]): Guarded {
  const [sub] = rest;
  const subcommand = sub !== undefined && sub in SUBCOMMANDS ? sub : undefined;
  const words = subcommand === undefined ? rest : rest.slice(1);
  const most = subcommand === undefined ? PLACEHOLDERS.length : SUBCOMMANDS[subcommand]!;
  const flags: string[] = [...before];
  const typed: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const cut = word.indexOf('=');
    const flag = cut < 0 ? word : word.slice(0, cut);
    if (!word.startsWith('-')) {
      if (cut >= 0) return refuseValue(subcommand);
      typed.push(word);
    } else if (SWITCHES.has(word)) flags.push(word);
    else if (OPTIONS.has(flag)) {
      const value = cut < 0 ? words[++i] : word.slice(cut + 1);
      if (value === undefined) return refuse('USAGE', `${flag} takes a value.`, usageHints(subcommand));
      if (flag === '--backend' && !BACKENDS.has(value))
        return refuse('UNKNOWN_BACKEND', '--backend takes keyring or file.', []);
      flags.push(`${flag}=${value}`);
    } else return refuse('UNKNOWN_FLAG', `There is no such flag of "secrets".`, usageHints(subcommand));
  }
  if (typed.length > most) return refuseValue(subcommand);
  const placeholders = PLACEHOLDERS.slice(0, typed.length);
  for (const [i, word] of typed.entries()) aside.set(placeholders[i]!, word);
  return {argv: [TOPIC, ...(subcommand === undefined ? [] : [subcommand]), ...placeholders, ...flags]};
}

/** More words than the command takes: most likely the value itself. */
function refuseValue(subcommand: string | undefined): Guarded {
  return refuse('VALUE_IN_ARGUMENTS', 'A value on the command line is not taken: others can read it there.', [
    ...usageHints(subcommand),
    'If that was a real secret, it is in the history of your shell now: make a new one, and revoke this one.',
  ]);
}

function usageHints(subcommand: string | undefined): string[] {
  if (subcommand === undefined) {
    return [
      'cloudctl secrets PROVIDER KEY asks for the value, without showing it.',
      'In a script: printenv TOKEN | cloudctl secrets PROVIDER KEY --stdin',
    ];
  }
  const words = PLACEHOLDERS.slice(0, SUBCOMMANDS[subcommand]).join(' ');
  return [`It takes: cloudctl secrets ${subcommand} ${words}`.trimEnd()];
}

function refuse(code: string, message: string, hints: readonly string[]): Guarded {
  return {argv: [], refusal: usageError(code, message, {hints})};
}

/** The refusal as every other error stands on stderr, or with `--json` on stdout. */
export function printRefusal({code, message, hints, exitCode}: CloudError, json: boolean): void {
  if (json) {
    const document = {error: {code, message, hints, exitCode}, warnings: []};
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  } else process.stderr.write(`${[`Error: ${message}`, ...hints.map(hint => `  ${hint}`)].join('\n')}\n`);
  process.exitCode = exitCode;
}
