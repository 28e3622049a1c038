import {factLines} from '@cloudctl/provider-sdk';
import type {ListedSecret, TestedSecrets} from '../services/secrets.js';
import type {StoreOutcome} from '../services/store-secret.js';
import {plainTable} from './plain.js';

type Origin = TestedSecrets['origins'][number];

const PLACES = {keyring: 'system keyring', file: 'encrypted file', environment: 'environment'} as const;

/** What became of a value, and what to do next. */
export function storedText({provider, key, profile, backend, action, identity, missing}: StoreOutcome): string {
  const flag = profile === 'default' ? '' : ` --profile ${profile}`;
  const where = `${key} of ${provider} in the ${PLACES[backend]}${profile === 'default' ? '' : ` (profile ${profile})`}`;
  if (action === 'waiting') {
    return [
      `Kept: ${where}, beside the one in use.`,
      'Tokens are made in pairs. The old pair stays in use until the new one is whole and accepted.',
      ...missing.map(other => `Next: cloudctl secrets ${provider} ${other}${flag}`),
    ].join('\n');
  }
  const done = action === 'replaced' ? 'Replaced' : 'Stored';
  if (identity !== undefined) {
    const workspace = identity.workspace === undefined ? '' : ` for the workspace "${identity.workspace}"`;
    return `${done}: ${where}; accepted${workspace}.`;
  }
  const next =
    missing.length > 0
      ? missing.map(other => `cloudctl secrets ${provider} ${other}${flag}`)
      : [`cloudctl secrets test ${provider}${flag}`];
  return [`${done}: ${where}.`, ...next.map(command => `Next: ${command}`)].join('\n');
}

/** Names, places and ages; never a value. */
export function secretsTable(secrets: readonly ListedSecret[]): string {
  if (secrets.length === 0) return 'Nothing is stored.\nStore a value: cloudctl secrets PROVIDER KEY';
  return plainTable(
    ['Provider', 'Key', 'Profile', 'Source', 'Age', 'Updated At'],
    secrets.map(({provider, key, profile, source, variable, ageDays, updatedAt, waitingSince}) => [
      provider,
      key,
      profile ?? '-',
      `${PLACES[source]}${variable === undefined ? '' : ` (${variable})`}${waitingSince === undefined ? '' : ' + a new one, waiting'}`,
      ageDays === undefined ? '-' : age(ageDays),
      updatedAt ?? '-',
    ]),
  );
}

/** Where each value comes from, one line each. */
export function originFacts(origins: readonly Origin[]): [label: string, value: string][] {
  return origins.map(({key, source, variable, storedAt, file}) => {
    if (source === 'environment') return [key, `environment (${variable})`];
    if (source === 'provider') return [key, `${file} (read-only)`];
    return [key, `${PLACES[source]}${storedAt === undefined ? '' : `, stored at ${storedAt}`}`];
  });
}

/** Whose credentials they are. */
export function identityText({workspace, environment, tokenName, user, expiresAt}: TestedSecrets['identity']): string {
  return factLines([
    ['Workspace', workspace],
    ['Environment', environment],
    ['Token', tokenName],
    ['User', user],
    ['Expires', expiresAt ?? 'not said'],
    ['Result', 'accepted'],
  ]);
}

function age(days: number): string {
  return days < 1 ? 'today' : days === 1 ? '1 day' : `${days} days`;
}
