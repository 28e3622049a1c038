import {randomBytes} from 'node:crypto';
import {describe, expect, test} from '@jest/globals';
import {deriveKey, isDerivation, isSealed, newDerivation, seal, unseal} from '../../../src/credentials/cipher.js';

const key = randomBytes(32);

describe('sealing', () => {
  test('opens with its key and its label, and with nothing else', () => {
    const sealed = seal(key, 'cloudctl:1:a', 'as-value');
    expect(unseal(key, 'cloudctl:1:a', sealed)).toBe('as-value');
    expect(unseal(key, 'cloudctl:1:b', sealed)).toBeUndefined();
    expect(unseal(randomBytes(32), 'cloudctl:1:a', sealed)).toBeUndefined();
    for (const part of ['iv', 'tag', 'data'] as const) {
      const bytes = Buffer.from(sealed[part], 'base64');
      bytes[0]! ^= 1;
      expect(unseal(key, 'cloudctl:1:a', {...sealed, [part]: bytes.toString('base64')})).toBeUndefined();
    }
  });

  test('never twice the same', () => {
    const [a, b] = [seal(key, 'x', 'same'), seal(key, 'x', 'same')];
    expect(a.iv).not.toBe(b.iv);
    expect(a.data).not.toBe(b.data);
  });

  test.each<[string, object]>([
    ['a short tag, which would be easy to guess', {tag: 'AAAA'}],
    ['a short nonce', {iv: 'AAAA'}],
    ['no data', {data: ''}],
    ['a number', {data: 7}],
  ])('%s is not sealed', (_, part) => {
    expect(isSealed({...seal(key, 'x', 'y'), ...part})).toBe(false);
  });
});

describe('derivation', () => {
  test('scrypt with what OWASP asks for', async () => {
    const derivation = newDerivation('scrypt');
    expect(derivation).toMatchObject({name: 'scrypt', n: 131_072, r: 8, p: 1});
    expect(isDerivation(derivation)).toBe(true);
    const derived = await deriveKey(Buffer.from('correct horse'), derivation);
    expect(derived).toHaveLength(32);
    expect(derived.equals(await deriveKey(Buffer.from('correct horsf'), derivation))).toBe(false);
  });

  test.each<[string, object]>([
    ['weak', {n: 1024}],
    ['exhausting', {n: 2 ** 24}],
    ['no power of two', {n: 100_000}],
    ['wide', {r: 64}],
    ['parallel', {p: 64}],
    ['without salt', {salt: ''}],
    ['of another kind', {name: 'md5'}],
  ])('parameters from a file that are %s are refused', (_, part) => {
    expect(isDerivation({...newDerivation('scrypt'), ...part})).toBe(false);
  });
});
