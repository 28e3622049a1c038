import type {ListedResource} from '@cloudctl/provider-sdk';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {ProviderCommand} from '../command-line/provider-command.js';
import {drawList} from '../presentation/draw.js';
import {listResources} from '../services/list.js';

export interface ListData {
  resources: readonly object[];
}

export default class List extends ProviderCommand<ListData> {
  static override summary = 'List what is live: ID, Name, Status, App, Created At.';
  static override examples = [
    '<%= config.bin %> list ai --provider modal',
    '<%= config.bin %> list storage --target local --json',
    '<%= config.bin %> list ai --filter app=ai-app --filter status=deployed',
  ];
  static override args = {
    type: Args.string({description: 'Resource type, such as ai or storage', required: true, ignoreStdin: true}),
  };
  static override flags = {
    filter: Flags.string({
      summary: 'Only resources with this value; may be repeated.',
      helpValue: 'KEY=VALUE',
      multiple: true,
    }),
  };

  async run(): Promise<ListData> {
    const parsed = await this.parseFor('list');
    const session = await this.open(parsed, 'list', true);
    const type = parsed.args['type']!;
    const filters = (parsed.flags['filter'] as string[] | undefined) ?? [];
    const {resources, problems} = await listResources(session, {type, filters});
    this.reportProblems(problems);
    await this.settle();
    const place = `${session.definition.name}, target ${session.target.name}`;
    const view = {
      title: `${type} on ${place}`,
      resources,
      empty: filters.length > 0 ? `No ${type} resources match on ${place}.` : `No ${type} resources on ${place}.`,
    };
    this.show(await drawList(view, this.terminal, session.implementation.views));
    return {resources: resources.map(toJson)};
  }
}

function toJson({details, ...resource}: ListedResource): object {
  return {...resource, ...details};
}
