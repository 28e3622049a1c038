import {basename} from 'node:path';
import type {Discovery, Fact, ProjectFiles} from '@cloudctl/provider-sdk';
import type {Bridge} from './bridge/index.js';
import {legalName} from './names.js';
import {PYTHONS, RUNTIMES} from './runtimes.js';

/** Looks at a project for functions, and for what they need. Nothing of it is imported or run. */
export async function discover(
  {directory, files}: ProjectFiles,
  bridge: Pick<Bridge, 'discover'>,
  signal: AbortSignal,
): Promise<Discovery> {
  const found = await bridge.discover({directory, files: [...files]}, {signal});
  const {handlers, requirements, extras, python, pythonFrom} = found;
  const runtime = python == null ? undefined : RUNTIMES[(PYTHONS as readonly string[]).indexOf(python)];
  const facts: Fact[] = [];
  if (requirements != null) facts.push({label: 'Requirements', value: requirements});
  if (extras.length > 0) facts.push({label: 'Extras', value: extras.join(', ')});
  if (python != null) facts.push({label: 'Python', value: pythonFrom == null ? python : `${python} (${pythonFrom})`});
  return {
    type: 'ai',
    functions: handlers.map(({handler, kind, summary}) => ({handler, kind, ...(summary == null ? {} : {summary})})),
    options: {
      app: legalName(basename(directory)) || 'app',
      ...(runtime === undefined ? {} : {runtime}),
      ...(requirements == null ? {} : {requirements}),
    },
    choices: extras.length === 0 ? {} : {extra: extras},
    facts,
  };
}
