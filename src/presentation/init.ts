import type {FactLine} from '@cloudctl/provider-sdk';
import type {InitResource, InitResult} from '../services/init.js';

export interface InitData {
  file: string;
  written: boolean;
  resources: readonly InitResource[];
  /** The file's content, where it was not written. */
  text?: string;
}

/** What was found, a fact a line. */
export function initFacts({file, written, resources, facts}: InitResult): FactLine[] {
  const [first, ...others] = resources;
  return [
    [written ? 'Wrote' : 'Would write', file],
    ['Function', first === undefined ? 'none found; the file has an example' : `${first.resource} (${first.handler})`],
    ['In comments', others.map(({resource, handler}) => `${resource} (${handler})`).join(', ')],
    ...facts.map(({label, value}): FactLine => [label, value]),
  ];
}

export function initToJson({file, written, resources, text}: InitResult): InitData {
  return {file, written, resources, ...(written ? {} : {text})};
}
