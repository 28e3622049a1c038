import {describe, expect, test} from '@jest/globals';
import {LineSplitter} from '../../src/bridge/lines.js';
import {Tail} from '../../src/bridge/tail.js';
import {childEnvironment} from '../../src/runtime/environment.js';
import {Redactor, redactUrls} from '../../src/runtime/redact.js';

describe('lines', () => {
  function split(...chunks: Buffer[]): string[] {
    const lines: string[] = [];
    const splitter = new LineSplitter(line => lines.push(line));
    for (const chunk of chunks) splitter.push(chunk);
    return lines;
  }

  test('come out whole, wherever the chunks are cut, even inside a character', () => {
    const bytes = Buffer.from('{"a":"€"}\nsecond\n\nunfinished');
    for (let at = 0; at <= bytes.length; at++) {
      expect(split(bytes.subarray(0, at), bytes.subarray(at))).toEqual(['{"a":"€"}', 'second', '']);
    }
  });

  test('of 64 MB in small chunks take a time that grows with their length only', () => {
    const time = (megabytes: number): number => {
      const chunk = Buffer.alloc(64 * 1024, 97);
      const began = performance.now();
      const lines = split(...Array.from({length: megabytes * 16}, () => chunk), Buffer.from('\n'));
      expect(lines[0]).toHaveLength(megabytes * 1024 * 1024);
      return performance.now() - began;
    };
    time(4);
    // Quadratic would be 64 times as long.
    expect(time(64)).toBeLessThan(Math.max(time(8), 4) * 30);
  });

  test('longer than the limit are refused', () => {
    const splitter = new LineSplitter(() => undefined, 10);
    expect(() => splitter.push(Buffer.alloc(11, 97))).toThrow(RangeError);
  });
});

describe('the tail of stderr', () => {
  test('is short whatever comes, and begins with a whole line', () => {
    const tail = new Tail(100);
    for (let at = 0; at < 10_000; at++) tail.push(Buffer.from(`line ${at}\n`));
    const text = tail.text(line => line);
    expect(text.length).toBeLessThanOrEqual(100);
    expect(text).toMatch(/^line \d+\n/);
    expect(text).toMatch(/line 9999$/);
  });

  test('shows no half of a secret', () => {
    const secret = 'as-0123456789abcdefghij';
    const redactor = new Redactor();
    redactor.add(secret);
    for (let padding = 0; padding < 300; padding++) {
      const tail = new Tail(100);
      tail.push(Buffer.from(`${'x'.repeat(1000)}\nmy secret is ${secret}\n${'y'.repeat(padding)}`));
      expect(tail.text(text => redactor.text(text))).not.toMatch(/as-0|abcdefghij/);
    }
  });
});

describe('the environment of Python processes', () => {
  test('is an allow-list', () => {
    const given = {
      PATH: '/bin',
      HOME: '/home/me',
      LC_ALL: 'de_DE.UTF-8',
      https_proxy: 'http://proxy:1',
      HTTPS_PROXY: 'http://proxy:2',
      SSL_CERT_FILE: '/ca.pem',
      PIP_INDEX_URL: 'https://mirror',
      UV_INDEX: 'https://mirror',
      MODAL_LOGLEVEL: 'DEBUG',
      MODAL_TOKEN_ID: 'ak-1',
      MODAL_TOKEN_SECRET: 'as-1',
      MODAL_CONFIG_PATH: '/home/me/.modal.toml',
      MODAL_PROFILE: 'work',
      MODAL_SERVER_URL: 'https://elsewhere',
      AWS_SECRET_ACCESS_KEY: 'x',
      PYTHONPATH: '/evil',
      PYTHONSTARTUP: '/evil.py',
      NODE_OPTIONS: '--inspect',
      CLOUDCTL_PASSPHRASE: 'x',
      EMPTY: undefined,
    };
    expect(Object.keys(childEnvironment(given)).sort()).toEqual([
      'HOME',
      'HTTPS_PROXY',
      'LC_ALL',
      'MODAL_LOGLEVEL',
      'PATH',
      'PIP_INDEX_URL',
      'SSL_CERT_FILE',
      'UV_INDEX',
      'https_proxy',
    ]);
  });
});

describe('redaction', () => {
  test('takes credentials out of URLs, passwords with an @ among them', () => {
    expect(redactUrls('Looking in https://me:p@ss@mirror/simple, git+ssh://git@host/x')).toBe(
      'Looking in https://[redacted]@mirror/simple, git+ssh://[redacted]@host/x',
    );
    expect(redactUrls('mail me@example.com about https://host/a@b')).toBe('mail me@example.com about https://host/a@b');
  });

  test('knows secrets by the names of their variables, and reaches into data', () => {
    const redactor = new Redactor();
    redactor.addEnvironment({MODAL_TOKEN_SECRET: 'as-very-secret', MODAL_ENVIRONMENT: 'production'});
    expect(redactor.deep({a: ['x as-very-secret y', 1, null], b: {c: 'production'}})).toEqual({
      a: ['x [redacted] y', 1, null],
      b: {c: 'production'},
    });
  });
});
