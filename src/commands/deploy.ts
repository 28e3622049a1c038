import {factLines, type Plan, type Resource} from '@cloudctl/provider-sdk';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {ProviderCommand} from '../command-line/provider-command.js';
import {deployFacts, deployToJson, nextStep, previewFacts, previewToJson} from '../presentation/deploy.js';
import {deploy, previewDeploy} from '../services/deploy.js';

export interface DeployData {
  resource?: Resource & {resource: string};
  action?: string;
  plan?: Plan;
}

export default class Deploy extends ProviderCommand<DeployData> {
  static override summary = 'Deploy a resource: a function from plain local code, a volume, ...';
  static override description =
    `The provider's own flags depend on the resource type: see \`cloudctl deploy TYPE --help\`.

Deploying a NAME again updates it. Deploys into the same app wait for each other.`;
  static override examples = [
    '<%= config.bin %> deploy ai image-generator --provider modal --app ai-app --name generate-image --handler main.handler',
    '<%= config.bin %> deploy storage model-store --provider modal --name trained-models --size 100',
    '<%= config.bin %> deploy ai image-generator --target local --dry-run',
  ];
  static override args = {
    type: Args.string({description: 'Resource type, such as ai or storage', required: true, ignoreStdin: true}),
    name: Args.string({
      description: "CloudCTL's name of the resource; every other verb takes it",
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    name: Flags.string({summary: "The provider's name of the resource. [default: NAME]", helpValue: 'TEXT'}),
    source: Flags.string({
      summary: 'Directory with the code, for a type that has code. [default: .]',
      helpValue: 'DIR',
    }),
    'dry-run': Flags.boolean({summary: 'Show what would happen and change nothing. Needs no credentials.'}),
    replace: Flags.boolean({summary: 'Drop what is live in the same app but was not deployed by CloudCTL.'}),
    'take-over': Flags.boolean({summary: 'Go on although NAME was deployed from another directory.'}),
  };

  async run(): Promise<DeployData> {
    const parsed = await this.parseFor('deploy');
    const {args, flags, options} = parsed;
    const dryRun = flags['dry-run'] as boolean;
    const session = await this.open(parsed, 'deploy', !dryRun);
    const input = {
      type: args['type']!,
      resource: args['name']!,
      name: flags['name'] as string | undefined,
      source: flags['source'] as string | undefined,
      options,
      replace: flags['replace'] as boolean,
      takeOver: flags['take-over'] as boolean,
    };
    if (dryRun) {
      const preview = await previewDeploy(session, input);
      this.show(factLines(previewFacts(input, preview), this.interactive));
      return previewToJson(input, preview);
    }
    const result = await deploy(session, input);
    await this.settle();
    this.show(factLines(deployFacts(result), this.interactive));
    if (this.interactive) this.note(nextStep(session, result));
    return deployToJson(result);
  }
}
