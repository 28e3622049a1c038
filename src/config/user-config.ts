import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {environmentError} from '@cloudctl/provider-sdk';

/** What the user set once for all, in `config.yaml` of oclif's configuration directory. */
export interface UserConfig {
  /** Used where neither `--provider` nor `CLOUDCTL_PROVIDER` says otherwise. */
  provider?: string;
}

/** Reads the user's configuration; no file means no wishes. */
export async function readUserConfig(directory: string): Promise<UserConfig> {
  const file = join(directory, 'config.yaml');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw environmentError('CONFIG_UNREADABLE', `${file} cannot be read.`, {cause: error});
  }
  const {parseDocument} = await import('yaml');
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw environmentError('CONFIG_INVALID', `${file}: ${problem.message}`);
  const content: unknown = document.toJS();
  if (content === null) return {};
  const provider = typeof content === 'object' ? (content as Record<string, unknown>)['provider'] : undefined;
  if (typeof content !== 'object' || (provider !== undefined && typeof provider !== 'string')) {
    throw environmentError('CONFIG_INVALID', `${file}: "provider" must be the name of a provider.`);
  }
  return provider === undefined ? {} : {provider};
}
