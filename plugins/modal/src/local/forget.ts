/** The part of oclif's configuration that runs another command. */
export interface CommandRunner {
  findCommand(id: string): unknown;
  runCommand<T>(id: string, argv: string[]): Promise<T>;
}

const COMMAND = 'ledger:forget';

/**
 * Lets the core forget what it has recorded of the local target.
 *
 * @param silent keeps the core's own output off stdout, which holds one document under `--json`.
 * @returns how many records, or nothing where the core cannot.
 */
export async function forgetLocalRecords(config: CommandRunner, silent: boolean): Promise<number | undefined> {
  if (config.findCommand(COMMAND) === undefined) return undefined;
  const write = process.stdout.write;
  if (silent) process.stdout.write = () => true;
  try {
    const argv = ['--provider', 'modal', '--target', 'local', '--yes'];
    const data = await config.runCommand<{forgotten: readonly unknown[]} | undefined>(COMMAND, argv);
    return data?.forgotten.length;
  } finally {
    process.stdout.write = write;
  }
}
