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
  let value: JsonValue;
  try {
    value = JSON.parse(content.replace(/^\uFEFF/, '')) as JsonValue;
  } catch (error) {
    throw usageError('BAD_JSON', `${where} is not JSON: ${(error as Error).message}`, {
      hints: [`Text needs quotes of its own: --data '"hello"'`],
    });
  }
  checkNumbers(content, where);
  return {value};
}

/** Numbers that a double cannot hold would arrive as others, without a word. */
function checkNumbers(content: string, where: string): void {
  const numbers = content.replace(/"(?:[^"\\]|\\.)*"/g, '""').match(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g) ?? [];
  const lost = numbers.find(text =>
    /^-?\d+$/.test(text) ? !Number.isSafeInteger(Number(text)) : !Number.isFinite(Number(text)),
  );
  if (lost === undefined) return;
  throw usageError('NUMBER_TOO_LARGE', `${where} has the number ${lost}, which would not arrive as it is.`, {
    hints: [`Pass it as text: "${lost}"`],
  });
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
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw notFoundError(
      'FILE_NOT_FOUND',
      missing ? `There is no file ${file}.` : `${file} cannot be read: ${(error as Error).message}`,
      {
        hints: ['--data takes JSON, @FILE, or - for standard input.'],
        cause: error,
      },
    );
  }
}
