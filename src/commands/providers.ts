import {EXIT, factLines} from '@cloudctl/provider-sdk';
import {CloudCommand} from '@cloudctl/provider-sdk/oclif';
import {readRegistry} from '../providers/registry.js';
import {describeProviders, type ProviderSummary} from '../services/providers.js';

export interface ProvidersData {
  providers: readonly ProviderSummary[];
  problems: readonly {plugin: string; problem: string; hint: string}[];
}

export default class Providers extends CloudCommand<ProvidersData> {
  static override summary = 'Show the installed providers, their resource types and operations.';
  static override examples = ['<%= config.bin %> providers', '<%= config.bin %> providers --json'];

  async run(): Promise<ProvidersData> {
    await this.parse(Providers);
    const {providers, problems} = await describeProviders(readRegistry(this.config));
    for (const {plugin, problem, hint} of problems) this.addWarning(`${plugin}: ${problem}. ${hint}`);
    if (problems.length > 0) process.exitCode = EXIT.partial;
    this.show(
      providers.length > 0
        ? providers.map(describe).join('\n\n')
        : 'No provider is installed.\nInstall one: cloudctl plugins install modal',
    );
    return {providers, problems};
  }
}

function describe({name, title, summary, plugin, targets, resources}: ProviderSummary): string {
  return factLines([
    ['Provider', `${name} (${title}: ${summary})`],
    ['Plugin', `${plugin.name} ${plugin.version}`],
    ['Targets', targets.map(target => `${target.name} (${target.summary})`).join(', ')],
    ...resources.flatMap(({type, title: kind, operations, refused}): [string, string][] => [
      [
        `Resource type ${type}`,
        `${kind}; ${Object.keys(operations)
          .filter(operation => operations[operation])
          .join(', ')}`,
      ],
      ...Object.entries(refused).map(([operation, reason]): [string, string] => [`  not ${operation}`, reason]),
    ]),
  ]);
}
