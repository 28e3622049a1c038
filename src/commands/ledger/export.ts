import {resolve} from 'node:path';
import * as Flags from '@oclif/core/flags';
import {LedgerCommand, ledgerFilters, typeFilter} from '../../command-line/ledger-command.js';
import {findRecords} from '../../services/ledger.js';
import {documentText, type LedgerDocument, makeDocument, writeDocument} from '../../services/ledger-transfer.js';

export interface LedgerExportData {
  count: number;
  /** Absolute; absent where the document went to stdout. */
  file?: string;
  /** Absent where it went into a file. */
  document?: LedgerDocument;
}

export default class LedgerExport extends LedgerCommand<LedgerExportData> {
  static override summary = 'Write the records of the ledger as one JSON document, for another machine or a backup.';
  static override description = [
    'There are no credentials in it, and no code. The specs are in it whole, with the values of --env: keep the file as private as those.',
    'A file is written for you alone (mode 600); one that is there is replaced.',
  ].join('\n');
  static override examples = [
    '<%= config.bin %> ledger export --out ledger.json',
    '<%= config.bin %> ledger export --provider modal --target cloud > ledger.json',
  ];
  static override flags = {
    ...ledgerFilters,
    type: typeFilter,
    out: Flags.string({char: 'o', summary: 'Write into this file instead of to stdout.', helpValue: 'FILE'}),
  };

  async run(): Promise<LedgerExportData> {
    const {flags} = await this.parse(LedgerExport);
    const {provider, target, environment, type, out} = flags;
    const {records, problems} = await findRecords(this.config.dataDir, {provider, target, environment, type});
    this.reportProblems(problems);
    const document = makeDocument(records, this.config.version);
    const count = records.length;
    if (out === undefined) {
      this.show(documentText(document));
      return {count, document};
    }
    const file = resolve(out);
    await writeDocument(file, document);
    this.show(`Exported: ${count} record${count === 1 ? '' : 's'} to ${file}`);
    return {count, file};
  }
}
