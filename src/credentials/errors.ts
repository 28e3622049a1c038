import {type CloudError, credentialsError, environmentError} from '@cloudctl/provider-sdk';

/** What to do where the keyring cannot be had, in the order in which most people want it. */
export function keyringWaysOut(provider: string, keys: readonly string[], variables: readonly string[]): string[] {
  return [
    "Unlock or start your desktop's keyring, and run the same command again.",
    `Or set the environment: ${variables.map(name => `export ${name}=...`).join('; ')}`,
    `Or keep the values in an encrypted file: ${keys.map(key => `cloudctl secrets ${provider} ${key} --backend file`).join('; ')}`,
  ];
}

/** There is no keyring, or it refused. Its own words only tell a locked or silent one from an absent one. */
export function keyringUnavailable(reason: string, hints: readonly string[]): CloudError {
  if (/\block(ed)?\b|prompt|dismissed/i.test(reason)) {
    return credentialsError('KEYRING_LOCKED', 'The system keyring is locked, and was not unlocked.', {
      hints,
      data: {reason},
    });
  }
  if (/did not receive a reply|timed? ?out/i.test(reason)) {
    return credentialsError('KEYRING_TIMEOUT', 'The system keyring gave no answer.', {hints, data: {reason}});
  }
  return credentialsError('KEYRING_UNAVAILABLE', `The system keyring cannot be reached: ${oneLine(reason)}`, {
    hints,
    data: {reason},
  });
}

/** The keyring took the question and gave no answer. */
export function keyringSilent(milliseconds: number, hints: readonly string[]): CloudError {
  const seconds = Math.round(milliseconds / 1000);
  return credentialsError('KEYRING_TIMEOUT', `The system keyring gave no answer within ${seconds} seconds.`, {
    hints,
    data: {seconds},
  });
}

/** npm left the native module out. */
export function keyringModuleMissing(reason: string, hints: readonly string[]): CloudError {
  return credentialsError('KEYRING_NOT_INSTALLED', 'The keyring module for this system is not installed.', {
    hints: ['Install cloudctl again without --omit=optional: npm install -g cloudctl', ...hints.slice(1)],
    data: {reason: oneLine(reason)},
  });
}

/** What was read back is not what was written. */
export function keyringChangedValue(hints: readonly string[]): CloudError {
  return credentialsError('KEYRING_FAILED', 'The system keyring gave back another value than it was given.', {
    hints,
  });
}

/** A file or folder that another user could read or write, or that is no file. */
export function unsafeFile(code: string, path: string, why: string, hint: string): CloudError {
  return credentialsError(code, `${path} is not used: ${why}.`, {hints: [hint]});
}

/** A file that does not hold what CloudCTL wrote. */
export function damagedFile(code: string, path: string, why: string): CloudError {
  return credentialsError(code, `${path} is damaged: ${why}.`, {
    hints: [
      `Put a backup in its place, or move it away and store the values again: mv ${path} ${path}.damaged`,
      'Nothing was changed.',
    ],
  });
}

/** A file of a later CloudCTL. */
export function newerFile(path: string, version: unknown): CloudError {
  return credentialsError('SECRETS_NEWER', `${path} was written by a newer cloudctl (version ${String(version)}).`, {
    hints: ['Update cloudctl: npm install -g cloudctl'],
  });
}

/** A folder that cannot be written, before anything was stored anywhere. */
export function notWritable(path: string, error: NodeJS.ErrnoException): CloudError {
  return environmentError('SECRETS_NOT_WRITABLE', `${path} cannot be written (${error.code ?? error.message}).`, {
    hints: [
      'Nothing was stored. Make the folder writable, or name others in CLOUDCTL_CONFIG_DIR and CLOUDCTL_DATA_DIR.',
      "Or go without storing: set the provider's variables in the environment.",
    ],
    cause: error,
  });
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');
}
