import {environmentError} from '@cloudctl/provider-sdk';
import {errorToJson, errorToText, hasColor, normaliseError} from '@cloudctl/provider-sdk/oclif';
import {run} from '@oclif/core/run';
import {expandPluginNames} from './command-line/plugin-names.js';

/**
 * Runs the command line and leaves the exit code in `process.exitCode`.
 *
 * Never ends the process itself: output that is still on its way into a pipe would be cut off.
 *
 * @param root address of the executable, from which oclif finds the package
 */
export async function main(argv: readonly string[], root: string): Promise<void> {
  // oclif warns at each command about a linked ESM plugin; linking one is how plugins are written.
  process.env['OCLIF_DISABLE_LINKED_ESM_WARNING'] ??= '1';
  try {
    checkDirectory();
    await run(expandPluginNames(argv), root);
  } catch (thrown) {
    if (isSilentExit(thrown)) {
      process.exitCode = thrown.oclif.exit;
      return;
    }
    const error = normaliseError(thrown);
    process.exitCode = error.exitCode;
    if (wantsJson(argv))
      process.stdout.write(`${JSON.stringify({error: errorToJson(error), warnings: []}, null, 2)}\n`);
    else process.stderr.write(`${errorToText(error, hasColor(process.stderr))}\n`);
  }
}

/** A shell can stand in a directory that is no longer there; then nothing that has a path works. */
function checkDirectory(): void {
  try {
    process.cwd();
  } catch (cause) {
    throw environmentError('NO_WORKING_DIRECTORY', 'The directory that you are in does not exist any more.', {
      hints: ['Change to one that exists.'],
      cause,
    });
  }
}

function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json');
}

/** oclif's way to end early with a code and without a word. */
function isSilentExit(error: unknown): error is {code: 'EEXIT'; oclif: {exit: number}} {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EEXIT';
}
