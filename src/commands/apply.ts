import {
  DeployingCommand,
  deployFlags,
  deployOptions,
  projectFlags,
  yesFlag,
} from '../command-line/deploying-command.js';
import {appliedText, type DeployedJson, deployToJson} from '../presentation/deploy.js';
import {countActions, planText} from '../presentation/plan.js';

export interface ApplyData {
  resources: readonly DeployedJson[];
}

export default class Apply extends DeployingCommand<ApplyData> {
  static override enableJsonFlag = true;
  static override summary = 'Deploy everything in cloudctl.yaml, what others need first.';
  static override description =
    `Shows the plan, compared with what is live, asks on a terminal, then deploys: functions of one app in one publish, apps that do not need each other at the same time. What is live as it should be stays as it is.

Where something fails, what was deployed stays and is in the ledger; the same command goes on from there. Resources that are no longer in the file are left alone.`;
  static override examples = [
    '<%= config.bin %> apply',
    '<%= config.bin %> apply --environment staging --yes',
    '<%= config.bin %> apply --only image-generator',
  ];
  static override flags = {...projectFlags, ...deployFlags, yes: yesFlag};

  async run(): Promise<ApplyData> {
    const {flags} = await this.parse(Apply);
    const {steps, title, strays, flags: again} = await this.wantedByProject(flags, true);
    const groups = await this.plan(steps, flags, true);
    await this.checkSizes(groups, flags);
    await this.settle();
    this.note(`${planText(groups, {title, strays, source: 'live'})}\n`);
    const {create, update, replace} = countActions(groups);
    if (create + update + replace > 0) await this.confirmUnless(flags.yes, 'Deploy this?');
    const results = await this.carryOut(steps, deployOptions(flags), `cloudctl apply${again}`, appliedText);
    return {resources: results.map(deployToJson)};
  }
}
