import {EXIT} from '@cloudctl/provider-sdk';
import {ProviderCommand} from '../command-line/provider-command.js';
import {costToJson, costView} from '../presentation/cost.js';
import {drawCost} from '../presentation/draw.js';
import {estimateCosts} from '../services/cost.js';

export interface CostData {
  resources: readonly object[];
  total: object;
  rates: object;
}

export default class Cost extends ProviderCommand<CostData> {
  static override summary = 'Estimate what the deployed resources cost, by the hour and by the month.';
  static override description = `Reads the ledger: what this machine deployed. No credentials are needed.

The estimate is for resources that are always on: 720 hours of the hourly figure. A function that scales to zero costs less.`;
  static override examples = [
    '<%= config.bin %> cost --provider modal',
    '<%= config.bin %> cost --provider modal --target local --json',
  ];

  async run(): Promise<CostData> {
    const parsed = await this.parseFor('meter');
    const session = await this.open(parsed, 'meter', false);
    const result = await estimateCosts(session);
    const view = costView(session.definition.name, session.target.name, result);
    this.reportProblems(result.problems);
    for (const {resource, problem} of view.blocks)
      if (problem !== undefined) this.addWarning(`${resource}: ${problem}`);
    if (view.blocks.some(({problem}) => problem !== undefined)) process.exitCode = EXIT.budget;
    this.show(await drawCost(view, this.terminal, session.implementation.views));
    if (this.terminal === undefined || view.blocks.length === 0) this.note(view.source);
    return costToJson(session.definition.name, session.target.name, result);
  }
}
