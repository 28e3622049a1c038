import {interruptedError, Secret} from '@cloudctl/provider-sdk';
import {LONGEST_VALUE} from '../credentials/value.js';

/** Milliseconds in which the rest of a pasted text arrives. */
const REST_MS = 40;

/**
 * Asks for something secret on the terminal. Nothing of it is shown, not even its length.
 *
 * What was pasted after the first line is part of the answer, so that it is neither dropped in silence nor left for the
 * shell to run.
 *
 * @throws CloudError with exit code 130 at Ctrl-C, Ctrl-D or a signal; the terminal is as it was before.
 */
export async function askSecret(question: string, signal: AbortSignal): Promise<Secret> {
  const {default: password} = await import('@inquirer/password');
  const {stdin: input, stderr: output} = process;
  let typed = '';
  const remember = (chunk: Buffer | string): void => {
    typed += String(chunk);
  };
  input.on('data', remember);
  let answer: string;
  try {
    answer = await password({message: `${question}:`}, {input, output, signal, clearPromptOnDone: false});
    if (input.isTTY) input.setRawMode(true);
    input.resume();
    await new Promise(resolve => setTimeout(resolve, REST_MS));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name))
      throw interruptedError();
    throw error;
  } finally {
    input.off('data', remember);
    if (input.isTTY) input.setRawMode(false);
    input.pause();
  }
  // Two lines are refused by whoever checks the value.
  const rest = /[\r\n]+([^\r\n][\s\S]*)$/.exec(typed)?.[1]?.slice(0, LONGEST_VALUE);
  return new Secret(rest === undefined ? answer : `${answer}\n${rest}`);
}

/** Asks a question whose answer is no unless it is yes. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const {createInterface} = await import('node:readline/promises');
  const lines = createInterface({input: process.stdin, output: process.stderr});
  const ended = new AbortController();
  lines.once('SIGINT', () => ended.abort());
  lines.once('close', () => ended.abort());
  try {
    const answer = await lines.question(`${question} [y/N] `, {signal: AbortSignal.any([signal, ended.signal])});
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    signal.throwIfAborted();
    throw interruptedError();
  } finally {
    lines.close();
  }
}
