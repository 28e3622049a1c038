import {spawn} from 'node:child_process';
import {join} from 'node:path';
import {executable, finished, type Machine, python, repository} from './harness.js';

export interface Step {
  /** Waits until this has come since the last step. */
  expect: string;
  send?: string;
  /** Number of a signal, instead of keys. */
  signal?: number;
}

export interface Played {
  code: number | null;
  output: string;
  /** The terminal's settings are those from before. */
  restored: boolean;
  /** Steps that were never reached. */
  left: number;
}

/** Runs the CLI on a real terminal, with a person who answers. */
export async function onTerminal(
  machine: Machine,
  args: readonly string[],
  steps: readonly Step[],
  env: Readonly<Record<string, string>> = {},
): Promise<Played> {
  const child = spawn(python, [join(repository, 'test/fixtures/pty.py')], {stdio: ['pipe', 'pipe', 'pipe']});
  const argv = [process.execPath, executable, ...args];
  child.stdin.end(JSON.stringify({argv, steps, limit: 30, env: {...machine.env, TERM: 'xterm', ...env}}));
  const {stdout, stderr} = await finished(child, 40_000, args.join(' '));
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Played;
}
