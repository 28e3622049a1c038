import {readFile} from 'node:fs/promises';
import {text} from 'node:stream/consumers';
import {type JsonValue, notFoundError, usageError} from '@cloudctl/provider-sdk';

/**
 * The JSON that a flag names: itself, `@FILE`, or `-` for standard input.
 *
 * @returns nothing where the flag was not given, which is not the same as `null`.
 */
export async function readInput(
  flag: string | undefined,
  signal: AbortSignal,
): Promise<{value: JsonValue} | undefined> {
  if (flag === undefined) return undefined;
  const [content, where] = await readText(flag, signal);
  try {
    return {value: JSON.parse(content) as JsonValue};
  } catch (error) {
    throw usageError('BAD_JSON', `${where} is not JSON: ${(error as Error).message}`, {
      hints: [`Text needs quotes of its own: --data '"hello"'`],
    });
  }
}

async function readText(flag: string, signal: AbortSignal): Promise<[content: string, where: string]> {
  if (flag === '-') {
    if (process.stdin.isTTY) process.stderr.write('Reading JSON from the terminal; end with Ctrl-D.\n');
    const ended = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error), {once: true}),
    );
    return [await Promise.race([text(process.stdin), ended]), 'Standard input'];
  }
  if (!flag.startsWith('@')) return [flag, '--data'];
  const file = flag.slice(1);
  try {
    return [await readFile(file, 'utf8'), file];
  } catch (error) {
    throw notFoundError('FILE_NOT_FOUND', `${file} cannot be read.`, {cause: error});
  }
}
