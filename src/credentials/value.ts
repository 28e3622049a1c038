import {type CredentialDefinition, Secret, usageError} from '@cloudctl/provider-sdk';

/** Bytes. Tokens are far shorter; some keyrings take no more than about 2500. */
export const LONGEST_VALUE = 1024;

/**
 * A value as it was typed or piped, made whole: one line break at its end is not part of it.
 *
 * @throws CloudError with exit code 2 for what no token is: empty, several lines, control characters, too long. The
 * value is in none of the messages.
 */
export function checkValue(typed: string): Secret {
  const value = typed.replace(/\r?\n$/, '');
  const refuse = (why: string, ...hints: string[]): Error =>
    usageError('BAD_SECRET', `That cannot be the value: ${why}. Nothing was stored.`, {hints});
  if (value === '') throw refuse('it is empty');
  if (value.trim() === '') throw refuse('it is nothing but white space');
  if (/[\r\n]/.test(value)) throw refuse('it has several lines', 'Give one value a command.');
  if (Buffer.byteLength(value) > LONGEST_VALUE) throw refuse(`it is longer than ${LONGEST_VALUE} bytes`);
  if (value.trim() !== value)
    throw refuse('it begins or ends with white space', 'Copy it again, without the space around it.');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001F\u007F]/.test(value)) throw refuse('it has control characters, such as NUL');
  if (value.includes('\uFFFD')) throw refuse('it is not UTF-8 text');
  return new Secret(value);
}

/** What is odd about a value that may be right all the same. */
export type Doubt = {kind: 'other-key'; key: string} | {kind: 'prefix'; prefix: string};

/** Compares a value with what the provider says its keys begin with. */
export function doubtAbout(
  secret: Secret,
  key: string,
  credentials: readonly CredentialDefinition[],
): Doubt | undefined {
  const value = secret.reveal();
  const own = credentials.find(credential => credential.key === key)?.prefix;
  if (own === undefined || value.startsWith(own)) return undefined;
  const other = credentials.find(({key: name, prefix}) => name !== key && prefix && value.startsWith(prefix));
  return other === undefined ? {kind: 'prefix', prefix: own} : {kind: 'other-key', key: other.key};
}
