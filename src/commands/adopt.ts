import {factLines} from '@cloudctl/provider-sdk';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {ProviderCommand} from '../command-line/provider-command.js';
import {type AdoptedJson, adoptedFacts, adoptedToJson} from '../presentation/adopt.js';

export interface AdoptData {
  resource: AdoptedJson;
}

export default class Adopt extends ProviderCommand<AdoptData> {
  static override enableJsonFlag = true;
  static override summary = 'Follow from here what was deployed elsewhere: a function, a volume.';
  static override description =
    `Writes a record into the ledger of this machine; what is live is not touched. Where CloudCTL deployed it from another machine, its settings and its code come along; else they stay unknown until it is deployed from here.`;
  static override examples = [
    '<%= config.bin %> adopt ai image-generator --app ai-app --name generate-image',
    '<%= config.bin %> adopt storage model-store --name trained-models --target local',
  ];
  static override args = {
    type: Args.string({description: 'Resource type, such as ai or storage', required: true, ignoreStdin: true}),
    name: Args.string({description: 'NAME that it is to have here', required: true, ignoreStdin: true}),
  };
  static override flags = {
    name: Flags.string({summary: "The provider's name of it. [default: NAME]", helpValue: 'TEXT'}),
    app: Flags.string({summary: 'The app that it is in; needed where several have one.', helpValue: 'NAME'}),
  };

  async run(): Promise<AdoptData> {
    const parsed = await this.parseFor('adopt');
    const {args, flags} = parsed;
    const session = await this.open(parsed, 'adopt', true);
    const {adopt} = await import('../services/adopt.js');
    const result = await adopt(session, {
      type: args['type']!,
      resource: args['name']!,
      name: flags['name'] as string | undefined,
      app: flags['app'] as string | undefined,
    });
    await this.settle();
    this.show(factLines(adoptedFacts(result), this.interactive));
    return {resource: adoptedToJson(result)};
  }
}
