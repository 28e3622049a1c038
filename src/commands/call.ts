import type {JsonValue} from '@cloudctl/provider-sdk';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import {readInput} from '../command-line/input.js';
import {ProviderCommand} from '../command-line/provider-command.js';
import {callResource} from '../services/call.js';

export interface CallData {
  value?: JsonValue;
  items?: JsonValue[];
}

const GOES_ON = 'The function goes on until it ends or times out; it cannot be called off from here.';

export default class Call extends ProviderCommand<CallData> {
  static override summary = 'Call a deployed function and print its value as JSON.';
  static override description =
    `A JSON object whose keys are all parameters of the handler becomes keyword arguments; any other JSON is the first argument. No --data means no arguments.

A generator's values are printed as they come, one JSON document a line.`;
  static override examples = [
    '<%= config.bin %> call ai image-generator --data \'{"width": 64, "height": 64}\'',
    '<%= config.bin %> call ai image-generator --data @request.json',
    'echo 42 | <%= config.bin %> call ai double --data -',
  ];
  static override args = {
    type: Args.string({description: 'Resource type: ai', required: true, ignoreStdin: true}),
    name: Args.string({
      description: 'The resource, or APP/FUNCTION for one deployed elsewhere',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    data: Flags.string({char: 'd', summary: 'JSON, @FILE, or - for standard input.', helpValue: 'JSON'}),
  };

  async run(): Promise<CallData> {
    const parsed = await this.parseFor('call');
    const input = await readInput(parsed.flags['data'] as string | undefined, this.signal);
    const session = await this.openFor(parsed, 'call', true);
    const values = callResource(session, {
      type: parsed.args['type']!,
      resource: parsed.args['name']!,
      ...(input === undefined ? {} : {input}),
    });
    this.signal.addEventListener('abort', () => this.addWarning(GOES_ON), {once: true});
    const items: JsonValue[] = [];
    for (;;) {
      const {done, value} = await values.next();
      if (done) {
        if (value.kind === 'items') return {items};
        this.show(JSON.stringify(value.value, null, 2));
        return {value: value.value};
      }
      if (this.jsonEnabled()) items.push(value);
      else this.show(JSON.stringify(value));
    }
  }
}
