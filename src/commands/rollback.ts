import {factLines} from '@cloudctl/provider-sdk';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {DeployingCommand, deployFlags, deployOptions, planFlags} from '../command-line/deploying-command.js';
import {type DeployedJson, deployFacts, deployToJson} from '../presentation/deploy.js';
import {type PreviewJson, previewText, previewToJson} from '../presentation/plan.js';

/** One of them: what was deployed, or what `--dry-run` found; and which deployment it is that comes back. */
export interface RollbackData extends Partial<DeployedJson> {
  plan?: PreviewJson;
  rolledBackTo: number;
}

export default class Rollback extends DeployingCommand<RollbackData> {
  static override enableJsonFlag = true;
  static override summary = 'Bring an earlier deployment back: its settings, and its code from the snapshot.';
  static override description =
    `A real deploy of what \`cloudctl history TYPE NAME\` shows, the one before the current where --to does not say which. Your files stay as they are.`;
  static override examples = [
    '<%= config.bin %> rollback ai image-generator',
    '<%= config.bin %> rollback ai image-generator --to 3 --dry-run',
  ];
  static override args = {
    type: Args.string({description: 'Resource type, such as ai', required: true, ignoreStdin: true}),
    name: Args.string({description: 'The resource', required: true, ignoreStdin: true}),
  };
  static override flags = {
    to: Flags.integer({summary: 'Number of the deployment. [default: the one before the current]', min: 1}),
    'dry-run': Flags.boolean({summary: 'Show what would happen and change nothing. Needs no credentials.'}),
    ...planFlags,
    replace: deployFlags.replace,
  };

  async run(): Promise<RollbackData> {
    const parsed = await this.parseFor('observe');
    this.checkPreview(parsed);
    const {args, flags} = parsed;
    const dryRun = flags['dry-run'] === true;
    const refresh = flags['refresh'] === true;
    const session = await this.openFor(parsed, 'deploy', !dryRun || refresh);
    const {prepareRollback} = await import('../services/rollback.js');
    const input = {type: args['type']!, resource: args['name']!, to: flags['to'] as number | undefined};
    const {group, to} = await prepareRollback(session, input);
    const rolledBackTo = to.number;
    if (dryRun) {
      const {groups, source} = await this.compare([{...group, after: []}], flags);
      this.show(previewText(groups[0]!, source, this.interactive));
      return {plan: previewToJson(groups[0]!, source), rolledBackTo};
    }
    const {deployGroup} = await import('../services/deploy.js');
    const [result] = await deployGroup(group, deployOptions(flags));
    await this.settle();
    this.show(factLines([...deployFacts(result!), ['Rolled Back To', `deployment ${rolledBackTo}`]], this.interactive));
    if (this.interactive) this.note('Your files stay as they are: the next deploy of them takes this back.');
    return {...deployToJson(result!), rolledBackTo};
  }
}
