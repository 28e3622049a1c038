import {expect} from '@jest/globals';
import type {Machine, Outcome, RunOptions} from './harness.js';

/** What a command said with `--json`. */
export interface Told {
  code: number | null;
  data?: Record<string, unknown>;
  error?: {
    code: string;
    message: string;
    hints: string[];
    exitCode: number;
    data?: Record<string, unknown>;
  };
  warnings: string[];
}

export async function told(machine: Machine, args: readonly string[], options: RunOptions = {}): Promise<Told> {
  return toldBy(await machine.run([...args, '--json'], options));
}

/** One document on stdout and nothing else, no bug among it, and the exit code that it says. */
export function toldBy({code, stdout, stderr}: Outcome): Told {
  expect(stderr).toBe('');
  const document = JSON.parse(stdout) as Omit<Told, 'code'>;
  if (document.error !== undefined) expect(document.error.exitCode).toBe(code);
  expect(stdout).not.toMatch(/node:internal|\.js:\d+|This is a bug/);
  return {...document, code};
}

/** A refusal: its code, and what message and hints must say. */
export function expectRefused(
  {code, error}: Told,
  [exitCode, name, ...says]: readonly [exitCode: number, name: string, ...says: (string | RegExp)[]],
): void {
  expect({code, error: error?.code}).toEqual({code: exitCode, error: name});
  const text = [error!.message, ...error!.hints].join('\n');
  for (const words of says) expect(text).toMatch(words);
}
