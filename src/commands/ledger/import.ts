import {text} from 'node:stream/consumers';
import * as Flags from '@oclif/core/flags';
import {fileArgument, LedgerCommand} from '../../command-line/ledger-command.js';
import {importText, importWarnings} from '../../presentation/ledger.js';
import type {RecordKey} from '../../services/ledger.js';
import {importRecords, keyOf, readDocument} from '../../services/ledger-transfer.js';

export interface LedgerImportData {
  dryRun: boolean;
  added: readonly RecordKey[];
  replaced: readonly RecordKey[];
  /** Were here already, just the same. */
  same: readonly RecordKey[];
}

export default class LedgerImport extends LedgerCommand<LedgerImportData> {
  static override summary = 'Take over the records of another machine: all of them or, where one differs, none.';
  static override description =
    'What is missing here is added, what is the same stays. Records only: the code stays with the deployment and on the other machine.';
  static override examples = [
    '<%= config.bin %> ledger import ledger.json --dry-run',
    '<%= config.bin %> ledger import - < ledger.json',
  ];
  static override args = {file: fileArgument};
  static override flags = {
    replace: Flags.boolean({summary: 'Let imported records take the place of ones that differ.'}),
    'dry-run': Flags.boolean({summary: 'Check everything and say what would come; write nothing.'}),
  };

  async run(): Promise<LedgerImportData> {
    const {args, flags} = await this.parse(LedgerImport);
    const stdin = args.file === '-';
    const content = stdin ? await this.readStdin() : await readDocument(args.file);
    const dryRun = flags['dry-run'] === true;
    const options = {where: stdin ? 'standard input' : args.file, replace: flags.replace, dryRun};
    const result = await importRecords(this.config.dataDir, content, options);
    for (const warning of importWarnings(result)) this.addWarning(warning);
    this.show(importText(result, dryRun));
    const {added, replaced, same} = result;
    return {dryRun, added: added.map(keyOf), replaced: replaced.map(keyOf), same: same.map(keyOf)};
  }

  private async readStdin(): Promise<string> {
    if (process.stdin.isTTY) this.note('Reading an export from the terminal; end with Ctrl-D.');
    const interrupted = new Promise<never>((_, reject) =>
      this.signal.addEventListener('abort', () => reject(this.signal.reason as Error), {once: true}),
    );
    return Promise.race([text(process.stdin), interrupted]);
  }
}
