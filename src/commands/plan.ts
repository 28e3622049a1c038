import {resolve} from 'node:path';
import * as Flags from '@oclif/core/flags';
import {
  DeployingCommand,
  deployFlags,
  planFlags,
  projectFlags,
  resourceArgs,
  resourceFlags,
} from '../command-line/deploying-command.js';
import {type PlanJson, planText, planToJson, previewText} from '../presentation/plan.js';

export interface PlanData extends PlanJson {
  /** Absolute: where the plan was kept. */
  file?: string;
}

export default class Plan extends DeployingCommand<PlanData> {
  static override enableJsonFlag = true;
  static override summary = 'Show what a deploy would change, with before and after. Changes nothing.';
  static override description =
    `Without TYPE and NAME it is about everything in cloudctl.yaml, as \`cloudctl apply\` would deploy it. With them it is \`cloudctl deploy TYPE NAME --dry-run\`, and takes the same flags.

Without --refresh no credentials are needed: the plan is compared with the ledger of this machine.`;
  static override examples = [
    '<%= config.bin %> plan',
    '<%= config.bin %> plan --environment staging --refresh --exit-code',
    '<%= config.bin %> plan --out plan.json',
    '<%= config.bin %> plan ai image-generator --target local --memory 512',
  ];
  static override args = resourceArgs;
  static override flags = {
    ...projectFlags,
    ...resourceFlags,
    ...planFlags,
    out: Flags.string({char: 'o', summary: 'Keep the plan for `deploy --plan FILE`.', helpValue: 'FILE'}),
    ...deployFlags,
  };

  async run(): Promise<PlanData> {
    const {parsed, single} = await this.parseResourceOrProject('plan');
    const {flags} = parsed;
    const refresh = flags['refresh'] === true;
    const {
      steps,
      title,
      strays,
      flags: again,
    } = single ? await this.wantedByFlags(parsed, refresh) : await this.wantedByProject(flags, refresh);
    const {groups, source} = await this.compare(steps, flags);
    this.show(single ? previewText(groups[0]!, source, this.interactive) : planText(groups, {title, source, strays}));
    const data = planToJson(groups, source);
    const {create, update, replace} = data.summary;
    if (flags['out'] === undefined) {
      if (!single && this.interactive && create + update + replace > 0) this.note(`Next: cloudctl apply${again}`);
      return data;
    }
    const file = resolve(flags['out'] as string);
    await this.keepPlan(file, groups, flags);
    this.note(`Kept in ${file}. Do it: cloudctl deploy --plan ${flags['out'] as string}`);
    return {...data, file};
  }
}
