import {EXIT} from '@cloudctl/provider-sdk';
import type {Command} from '@oclif/core/command';
import {Help} from '@oclif/core/help';
import {toOclifFlags} from '../providers/flags.js';
import {loadDefinition} from '../providers/loading.js';
import {readRegistry} from '../providers/registry.js';
import {chooseProvider} from '../providers/selection.js';
import {peek} from './peek.js';

/** What each exit code means, in one line. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  bug: 'a bug in cloudctl or in a plugin',
  usage: 'something typed cannot be meant',
  notFound: 'not found, or not installed',
  credentials: 'credentials are missing, wrong, or out of reach',
  provider: 'the provider, or the code that it runs, said no',
  partial: 'done in part',
  environment: 'this machine lacks something: Python, network, disk',
  budget: 'over budget, or a price is unknown',
  changes: 'there are changes (plan --exit-code)',
  interrupted: 'interrupted',
};

/** oclif's help, with the provider's flags under a heading of their own and the exit codes at the end. */
export default class CloudHelp extends Help {
  override async showCommandHelp(command: Command.Loadable): Promise<void> {
    const added = ['deploy', 'plan'].includes(command.id) ? await this.providerFlags() : {};
    await super.showCommandHelp({...command, flags: {...(added as Command.Loadable['flags']), ...command.flags}});
  }

  override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    const codes = Object.entries(EXIT).map(([name, code]): [string, string] => [
      String(code),
      EXIT_MEANINGS[name as keyof typeof EXIT],
    ]);
    this.log(
      this.section(
        'EXIT CODES',
        this.renderList(codes, {indentation: 2, spacer: '\n', stripAnsi: this.opts.stripAnsi ?? false}),
      ),
    );
    this.log('');
  }

  /** The flags of the chosen provider, for the type on the command line or for each of its types. */
  private async providerFlags(): Promise<object> {
    const registry = readRegistry(this.config);
    const {provider: flag, type} = peek(
      process.argv.slice(3),
      registry.providers.flatMap(({resources}) => resources),
    );
    const known = registry.providers.some(({resources}) => type !== undefined && resources.includes(type))
      ? type
      : undefined;
    try {
      const registered = chooseProvider(registry, {flag, environment: process.env['CLOUDCTL_PROVIDER'], type: known});
      const {name, resources} = await loadDefinition(registered);
      const types = known === undefined ? Object.keys(resources) : [known];
      // oclif adds the word FLAGS.
      const heading = (of: string): string => (known === undefined ? `${name} ${of}` : name).toUpperCase();
      return Object.assign({}, ...types.reverse().map(of => toOclifFlags(resources[of]!.flags, heading(of)))) as object;
    } catch {
      // Help must come even where no provider can be chosen.
      return {};
    }
  }
}
