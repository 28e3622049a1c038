import {usageError} from '@cloudctl/provider-sdk';

/** Which set of credentials is meant. */
export type Profile =
  /** One of CloudCTL's own. */
  | {kind: 'stored'; name: string; asked: boolean}
  /** One of the provider's own configuration, as `modal:work`: read, never written. */
  | {kind: 'provider'; provider: string; name: string};

export const DEFAULT_PROFILE = 'default';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const OWN = /^([a-z0-9][a-z0-9-]*):([^:/\s]{1,100})$/;

/**
 * Reads `--profile`, else `CLOUDCTL_PROFILE`, else the default one.
 *
 * @throws CloudError with exit code 2 for what names no profile; it is not repeated, as it may be a secret.
 */
export function readProfile(
  flag: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Profile {
  const name = flag ?? (environment['CLOUDCTL_PROFILE'] || DEFAULT_PROFILE);
  const own = OWN.exec(name);
  if (own !== null) return {kind: 'provider', provider: own[1]!, name: own[2]!};
  if (NAME.test(name)) return {kind: 'stored', name, asked: flag !== undefined};
  throw usageError('BAD_PROFILE', `${flag === undefined ? 'CLOUDCTL_PROFILE' : '--profile'} names no profile.`, {
    hints: ['A name has letters, digits, dots, dashes and underscores, such as ci or work-2.'],
  });
}

/** ` --profile NAME`, or nothing for the default: for commands in hints. */
export function profileFlag(name: string): string {
  return name === DEFAULT_PROFILE ? '' : ` --profile ${name}`;
}
