import {createCipheriv, createDecipheriv, hkdfSync, randomBytes, scrypt} from 'node:crypto';

/** How the key of a file comes from what the user has. */
export type KeyDerivation =
  | {name: 'scrypt'; n: number; r: number; p: number; salt: string}
  | {name: 'key-file'; salt: string};

/** One encrypted value; base64. */
export interface Sealed {
  iv: string;
  tag: string;
  data: string;
}

/** OWASP's parameters for scrypt: 128 MiB and about half a second. */
const SCRYPT = {n: 2 ** 17, r: 8, p: 1} as const;
/** What a file may ask for: less is weak, more would let a file exhaust the memory. */
const BOUNDS = {n: [2 ** 14, 2 ** 20], r: [8, 8], p: [1, 4]} as const;

const SALT_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const CIPHER = 'aes-256-gcm';

/** A fresh derivation for a new file. */
export function newDerivation(name: KeyDerivation['name']): KeyDerivation {
  const salt = randomBytes(SALT_BYTES).toString('base64');
  return name === 'scrypt' ? {name, ...SCRYPT, salt} : {name, salt};
}

/** Whether a derivation read from a file is one that may be carried out. */
export function isDerivation(value: unknown): value is KeyDerivation {
  if (typeof value !== 'object' || value === null) return false;
  const {name, salt, ...rest} = value as Record<string, unknown>;
  if (bytesOf(salt)?.length !== SALT_BYTES) return false;
  if (name === 'key-file') return true;
  if (name !== 'scrypt') return false;
  const {n} = rest as {n: unknown};
  const bounded = (['n', 'r', 'p'] as const).every(field => {
    const number = rest[field];
    return Number.isSafeInteger(number) && BOUNDS[field][0] <= Number(number) && Number(number) <= BOUNDS[field][1];
  });
  return bounded && Number.isInteger(Math.log2(Number(n)));
}

/** Whether a value read from a file has the form of a sealed one. */
export function isSealed(value: unknown): value is Sealed {
  if (typeof value !== 'object' || value === null) return false;
  const {iv, tag, data} = value as Record<string, unknown>;
  return bytesOf(iv)?.length === IV_BYTES && bytesOf(tag)?.length === TAG_BYTES && (bytesOf(data)?.length ?? 0) > 0;
}

/** The file's key, from a passphrase or from the 32 bytes of a key file. */
export async function deriveKey(secret: Buffer, derivation: KeyDerivation): Promise<Buffer> {
  const salt = Buffer.from(derivation.salt, 'base64');
  if (derivation.name === 'key-file')
    return Buffer.from(hkdfSync('sha256', secret, salt, 'cloudctl secrets 1', KEY_BYTES));
  const {n: N, r, p} = derivation;
  // Node's own limit of 32 MiB is below what these parameters need.
  const options = {N, r, p, maxmem: 256 * N * r};
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, KEY_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

/** Encrypts a text for one place: `label` is bound to it, so that two values cannot be swapped. */
export function seal(key: Buffer, label: string, text: string): Sealed {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv, {authTagLength: TAG_BYTES}).setAAD(Buffer.from(label));
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return {iv: iv.toString('base64'), tag: cipher.getAuthTag().toString('base64'), data: data.toString('base64')};
}

/** The text, or nothing where the key is another one or anything was changed. */
export function unseal(key: Buffer, label: string, {iv, tag, data}: Sealed): string | undefined {
  const decipher = createDecipheriv(CIPHER, key, Buffer.from(iv, 'base64'), {authTagLength: TAG_BYTES})
    .setAAD(Buffer.from(label))
    .setAuthTag(Buffer.from(tag, 'base64'));
  try {
    return Buffer.concat([decipher.update(Buffer.from(data, 'base64')), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

function bytesOf(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return undefined;
  return Buffer.from(value, 'base64');
}
