import {interruptedError, type ProviderDefinition, type Secret, usageError} from '@cloudctl/provider-sdk';
import {checkValue, doubtAbout, LONGEST_VALUE} from '../credentials/value.js';
import {canAsk} from './host-command.js';
import {askSecret, confirm} from './prompt.js';

export interface SecretInput {
  definition: ProviderDefinition;
  key: string;
  /** `--stdin`. */
  stdin: boolean;
  signal: AbortSignal;
  warn(message: string): void;
}

/**
 * The value to store: typed into a masked prompt, or piped.
 *
 * @throws CloudError with exit code 2 where nobody can be asked, or the value cannot be meant; 130 at Ctrl-C.
 */
export async function readSecret(input: SecretInput): Promise<Secret> {
  const {definition, key, stdin, signal} = input;
  const credential = definition.credentials.find(candidate => candidate.key === key)!;
  const typed = stdin
    ? await readPiped(definition.name, key, signal)
    : await ask(definition.name, key, credential.title, signal);
  const value = checkValue(typed);
  await settleDoubt(value, input);
  return value;
}

async function ask(provider: string, key: string, title: string, signal: AbortSignal): Promise<string> {
  if (!canAsk()) {
    throw usageError('NO_TERMINAL', 'There is no terminal to ask on.', {
      provider,
      hints: [`Pipe the value in: printenv TOKEN | cloudctl secrets ${provider} ${key} --stdin`],
    });
  }
  return (await askSecret(title, signal)).reveal();
}

/** Reads no more than can be a value: the pipe may be endless. */
async function readPiped(provider: string, key: string, signal: AbortSignal): Promise<string> {
  const {stdin} = process;
  if (stdin.isTTY) {
    throw usageError('STDIN_IS_TERMINAL', 'With --stdin the terminal would show what you type.', {
      provider,
      hints: [`Leave it out, for a prompt that shows nothing: cloudctl secrets ${provider} ${key}`],
    });
  }
  const stop = (): unknown => stdin.destroy();
  signal.addEventListener('abort', stop, {once: true});
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > 2 * LONGEST_VALUE) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (signal.aborted) throw interruptedError();
  return Buffer.concat(chunks).toString('utf8');
}

/** A value that looks like another one: a person is asked, a script is refused. */
async function settleDoubt(value: Secret, {definition, key, stdin, signal, warn}: SecretInput): Promise<void> {
  const doubt = doubtAbout(value, key, definition.credentials);
  if (doubt === undefined) return;
  if (doubt.kind === 'prefix') {
    warn(`${definition.title}'s ${key} begins with "${doubt.prefix}"; this one does not.`);
    return;
  }
  const message = `This looks like the ${doubt.key}, not the ${key}.`;
  if (!stdin && (await confirm(`${message} Store it as ${key} all the same?`, signal))) return;
  throw usageError('LOOKS_LIKE_OTHER_KEY', `${message} Nothing was stored.`, {
    provider: definition.name,
    hints: [
      `Store it as such: cloudctl secrets ${definition.name} ${doubt.key}`,
      ...(stdin ? ['Where it is right all the same, type it at the prompt, which asks.'] : []),
    ],
  });
}
