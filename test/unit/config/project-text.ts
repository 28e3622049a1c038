import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {type CloudError, isCloudError, type ProviderDefinition} from '@cloudctl/provider-sdk';
import provider from '../../../plugins/modal/src/provider.js';
import type {Problem} from '../../../src/config/problems.js';
import {loadProject, type Project, type ProjectOptions} from '../../../src/config/project.js';

/** The Modal plugin's light module, as the core loads it. */
export const modal = provider as unknown as ProviderDefinition;

/** Stands in a text where a problem is to be told; taken out before the file is written. */
const MARK = '»';

const folder = mkdtempSync(join(tmpdir(), 'cloudctl config '));
process.once('exit', () => rmSync(folder, {recursive: true, force: true}));
mkdirSync(join(folder, 'code'));

export const directory = folder;

/** Writes the text and loads it as `cloudctl.yaml`, with the Modal plugin installed. */
export function load(text: string | Buffer, options: Partial<ProjectOptions> = {}): Promise<Project> {
  const file = join(folder, 'cloudctl.yaml');
  writeFileSync(file, text);
  return loadProject(file, {
    variables: {},
    providers: name => (name === 'modal' ? modal : undefined),
    ...options,
  });
}

/** What is wrong with the text. */
export async function refusal(text: string | Buffer, options: Partial<ProjectOptions> = {}): Promise<CloudError> {
  try {
    await load(text, options);
  } catch (error) {
    if (isCloudError(error)) return error;
    throw error;
  }
  throw new Error('It loads, and should not.');
}

export function problemsOf(error: CloudError): Problem[] {
  return (error.data?.['problems'] as Problem[] | undefined) ?? [];
}

/** The text without its marks, and where they stood. */
export function unmark(text: string): {text: string; places: string[]} {
  const lines = text.split('\n').map(line => ({clean: line.replaceAll(MARK, ''), marks: marksIn(line)}));
  return {
    text: lines.map(({clean}) => clean).join('\n'),
    places: lines.flatMap(({marks}, i) => marks.map(column => `${i + 1}:${column}`)),
  };
}

function marksIn(line: string): number[] {
  const found: number[] = [];
  for (let at = line.indexOf(MARK); at >= 0; at = line.indexOf(MARK, at + 1)) found.push(at - found.length + 1);
  return found;
}

/** A file with these lines for its one function. */
export function withFunction(...lines: string[]): string {
  return [
    'version: 1',
    'provider: modal',
    'resources:',
    '  a:',
    '    type: ai',
    ...lines.map(l => `    ${l}`),
    '',
  ].join('\n');
}
