import type {Secret} from '@cloudctl/provider-sdk';

/** Under which service everything of CloudCTL stands in a keyring. */
export const SERVICE = 'cloudctl';

/** Where CloudCTL can keep a value. */
export const BACKENDS = ['keyring', 'file'] as const;
export type Backend = (typeof BACKENDS)[number];

/** What each backend is called in a sentence. */
export const BACKEND_TITLES: Readonly<Record<Backend, string>> = {
  keyring: 'the system keyring',
  file: 'the encrypted file',
};

/**
 * A place for secrets, with the contract of `keytar`: a service and an account name one value.
 *
 * "Not there" is an answer, out of reach is an error: a locked keyring never reads as an empty one.
 */
export interface CredentialStore {
  /**
   * The values that are there, by account; several at once, so that one process, or one passphrase, does for a pair.
   *
   * @throws CloudError with exit code 4 where the store is out of reach.
   */
  get(service: string, accounts: readonly string[]): Promise<ReadonlyMap<string, Secret>>;
  /** Sets one value, and has made sure that it reads back the same. */
  set(service: string, account: string, secret: Secret): Promise<void>;
  /** @returns whether it was there. */
  delete(service: string, account: string): Promise<boolean>;
}

/** What names one value: `default/modal/token_id`. */
export interface CredentialId {
  profile: string;
  provider: string;
  key: string;
}

/** The account under which a value stands; `next` is one that waits for the other half of its pair. */
export function accountOf({profile, provider, key}: CredentialId, next = false): string {
  return `${profile}/${provider}/${key}${next ? '/next' : ''}`;
}
