import {usageError} from '@cloudctl/provider-sdk';
import {biggestFiles, formatBytes} from '../packaging/describe.js';
import type {ProjectPackage} from '../packaging/package.js';
import type {PlannedGroup} from './planning.js';
import type {Host} from './session.js';

/** Bytes; above it somebody must have meant it. */
const LARGE = 100_000_000;

/** Whether a deploy of it asks first. */
export function isLarge({bytes}: Pick<ProjectPackage, 'bytes'>): boolean {
  return bytes > LARGE;
}

/**
 * Lets nobody upload a data directory by mistake: asks, or wants `--yes` where nobody can be asked.
 *
 * @throws CloudError with exit code 2 where the answer is no.
 */
export async function checkPackageSizes(host: Host, groups: readonly PlannedGroup[], yes: boolean): Promise<void> {
  const changed = groups.flatMap(({resources}) => resources.filter(({plan}) => plan.action !== 'none'));
  for (const content of new Set(changed.flatMap(({desired}) => desired.content ?? []))) {
    if (!isLarge(content) || yes) continue;
    const message = `The package of ${content.root} has ${formatBytes(content.bytes)}`;
    if (host.confirm !== undefined && (await host.confirm(`${message}. Upload it?`))) continue;
    throw tooLarge(message, content);
  }
}

function tooLarge(message: string, content: ProjectPackage): Error {
  const biggest = biggestFiles(content, 3);
  return usageError('PACKAGE_LARGE', `${message}: more than 100 MB go up only when you say so. Nothing was deployed.`, {
    hints: [
      ...biggest.map(({path, size}) => `${formatBytes(size)}: ${path}`),
      `Leave data out: echo '/${biggest[0]!.path}' >> .cloudctlignore`,
      'Data belongs into a volume: cloudctl deploy storage NAME, then --volume NAME:/path',
      'If it is all meant to go up, add --yes.',
    ],
    data: {biggest: biggest.map(({path, size}) => ({path, bytes: size}))},
  });
}
