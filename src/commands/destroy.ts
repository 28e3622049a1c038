import type {ResourceReference} from '@cloudctl/provider-sdk';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {ProviderCommand} from '../command-line/provider-command.js';
import {destroy} from '../services/destroy.js';

export interface DestroyData {
  resource: ResourceReference;
}

export default class Destroy extends ProviderCommand<DestroyData> {
  static override summary = 'Destroy a resource, where the provider lets it; else say what to do instead.';
  static override examples = ['<%= config.bin %> destroy ai image-generator --provider modal'];
  static override args = {
    type: Args.string({description: 'Resource type, such as ai or storage', required: true, ignoreStdin: true}),
    name: Args.string({description: 'The resource', required: true, ignoreStdin: true}),
  };
  static override flags = {
    'dry-run': Flags.boolean({summary: 'Show what would happen and change nothing.'}),
  };

  async run(): Promise<DestroyData> {
    const parsed = await this.parseFor('destroy');
    const session = await this.openFor(parsed, 'destroy', false);
    const dryRun = parsed.flags['dry-run'] as boolean;
    const resource = await destroy(session, parsed.args['type']!, parsed.args['name']!, dryRun);
    this.show(`${dryRun ? 'Would destroy' : 'Destroyed'}: ${resource.resource} (${resource.type})`);
    return {resource};
  }
}
