/** Asks a yes-or-no question on the terminal. Anything but yes is no. Rejects when the signal is aborted. */
export async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const {createInterface} = await import('node:readline/promises');
  const terminal = createInterface({input: process.stdin, output: process.stderr});
  try {
    const answer = await terminal.question(`${question} [y/N] `, {signal});
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
