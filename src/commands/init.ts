import {factLines} from '@cloudctl/provider-sdk';
import * as Flags from '@oclif/core/flags';
import {ProviderCommand} from '../command-line/provider-command.js';
import {type InitData, initFacts, initToJson} from '../presentation/init.js';
import {fileFlag, initProject} from '../services/init.js';

export default class Init extends ProviderCommand<InitData> {
  static override summary = 'Write a cloudctl.yaml by looking at the project: its functions, requirements, Python.';
  static override description =
    'Nothing of the project is imported or run. The likeliest function is declared; others, and what else could be said, stand in comments.';
  static override examples = [
    '<%= config.bin %> init',
    '<%= config.bin %> init --dry-run',
    '<%= config.bin %> init --app shop --target local --file services/shop/cloudctl.yaml',
  ];
  static override flags = {
    file: Flags.string({
      char: 'f',
      summary: 'File to write; its folder is the project. [default: cloudctl.yaml]',
      helpValue: 'FILE',
    }),
    force: Flags.boolean({summary: 'Overwrite the file where it exists.'}),
    'dry-run': Flags.boolean({summary: 'Print the file and write nothing.'}),
    app: Flags.string({summary: "App of the functions. [default: the project directory's name]", helpValue: 'NAME'}),
  };

  async run(): Promise<InitData> {
    const parsed = await this.parseFor('observe');
    const {flags} = parsed;
    const session = await this.open(parsed, 'observe', false);
    const result = await initProject(session, {
      file: flags['file'] as string | undefined,
      force: flags['force'] as boolean,
      dryRun: flags['dry-run'] as boolean,
      app: flags['app'] as string | undefined,
      target: flags['target'] as string | undefined,
      profile: flags['profile'] as string | undefined,
    });
    await this.settle();
    const facts = factLines(initFacts(result), this.interactive);
    if (result.written) this.show(facts);
    else {
      this.show(result.text.trimEnd());
      this.note(facts);
    }
    const found = result.resources.length > 0;
    const next = found
      ? `cloudctl plan${fileFlag(result, this.host.workingDirectory)}`
      : 'write a function, then cloudctl init --force';
    if (result.written) this.note(`Next: ${next}`);
    return initToJson(result);
  }
}
