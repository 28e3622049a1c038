import {factLines, type Resource} from '@cloudctl/provider-sdk';
import * as Flags from '@oclif/core/flags';
import {
  DeployingCommand,
  deployFlags,
  deployOptions,
  planFlags,
  resourceArgs,
  resourceFlags,
  yesFlag,
} from '../command-line/deploying-command.js';
import type {Parsed} from '../command-line/provider-command.js';
import {appliedText, type DeployedJson, deployFacts, deployToJson, nextStep} from '../presentation/deploy.js';
import {type PreviewJson, previewText, previewToJson} from '../presentation/plan.js';

/** One of them: what was deployed, what `--dry-run` found, what a plan file brought about. */
export interface DeployData {
  action?: string;
  resource?: Resource & {resource: string};
  plan?: PreviewJson;
  resources?: readonly DeployedJson[];
}

export default class Deploy extends DeployingCommand<DeployData> {
  static override enableJsonFlag = true;
  static override summary = 'Deploy a resource: a function from plain local code, a volume, ...';
  static override description =
    `The provider's own flags depend on the resource type: see \`cloudctl deploy TYPE --help\`.

Deploying a NAME again updates it; where nothing changed, nothing is uploaded. Deploys into the same app wait for each other. Everything in cloudctl.yaml is deployed by \`cloudctl apply\`.`;
  static override examples = [
    '<%= config.bin %> deploy ai image-generator --provider modal --app ai-app --name generate-image --handler main.handler',
    '<%= config.bin %> deploy storage model-store --provider modal --name trained-models --size 100',
    '<%= config.bin %> deploy ai image-generator --target local --dry-run',
    '<%= config.bin %> deploy --plan plan.json',
  ];
  static override args = resourceArgs;
  static override flags = {
    ...resourceFlags,
    'dry-run': Flags.boolean({summary: 'Show what would happen and change nothing. Needs no credentials.'}),
    ...planFlags,
    plan: Flags.string({summary: 'Do what `plan --out FILE` found, unless something moved since.', helpValue: 'FILE'}),
    ...deployFlags,
    yes: yesFlag,
  };

  async run(): Promise<DeployData> {
    const parsed = await this.parseFor('deploy');
    this.checkCombination(parsed);
    if (parsed.flags['plan'] !== undefined) return this.keptPlan(parsed.flags['plan'] as string);
    if (parsed.flags['dry-run'] === true) return this.preview(parsed);
    const {steps} = await this.wantedByFlags(parsed, true);
    const [group] = await this.plan(steps, parsed.flags, false);
    await this.checkSizes([group!], parsed.flags);
    const {deployGroup} = await import('../services/deploy.js');
    const [result] = await deployGroup(group!, deployOptions(parsed.flags));
    await this.settle();
    this.show(factLines(deployFacts(result!), this.interactive));
    if (this.interactive) this.note(nextStep(group!.session, result!));
    return deployToJson(result!);
  }

  private async preview(parsed: Parsed): Promise<DeployData> {
    const {steps} = await this.wantedByFlags(parsed, parsed.flags['refresh'] === true);
    const {groups, source} = await this.compare(steps, parsed.flags);
    this.show(previewText(groups[0]!, source, this.interactive));
    return {plan: previewToJson(groups[0]!, source)};
  }

  private async keptPlan(file: string): Promise<DeployData> {
    const {steps, options, flags} = await this.wantedByPlan(file);
    const results = await this.carryOut(steps, options, `cloudctl deploy${flags}`, appliedText);
    return {resources: results.map(deployToJson)};
  }
}
