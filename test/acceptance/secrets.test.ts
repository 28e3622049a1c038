import {spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {dirname, join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from '@jest/globals';
import {executable, finished, Machine} from './harness.js';

const machine = new Machine({target: 'cloud'});
afterAll(() => machine.dispose());

const keyFile = join(machine.home, 'key');
writeFileSync(keyFile, randomBytes(32), {mode: 0o600});
/** The encrypted file, opened by a key file: as safe, and without the half second that a passphrase costs. */
const FILE = {CLOUDCTL_KEY_FILE: keyFile, CLOUDCTL_SECRETS_BACKEND: 'file'};

interface ErrorDocument {
  error: {code: string; message: string; hints: string[]; exitCode: number};
}

const store = (key: string, value: string, rest: readonly string[] = [], env: Record<string, string> = FILE) =>
  machine.run(['secrets', 'modal', key, '--stdin', ...rest], {stdin: value, env});
const errorOf = async (args: readonly string[], env: Record<string, string> = FILE, stdin?: string) => {
  const {stdout, stderr, code} = await machine.run([...args, '--json'], {env, ...(stdin === undefined ? {} : {stdin})});
  const {error} = JSON.parse(stdout) as ErrorDocument;
  expect({stderr, exitCode: error.exitCode}).toEqual({stderr: '', exitCode: code});
  return error;
};

describe('headless, without D-Bus', () => {
  test('the keyring is not there: exit 4, three ways out, nothing stored anywhere', async () => {
    const {code, stderr} = await store('token_id', 'ak-headless', [], {});
    expect(code).toBe(4);
    for (const way of ['Unlock or start', 'export MODAL_TOKEN_ID=', '--backend file']) expect(stderr).toContain(way);
    expect(stderr).not.toContain('ak-headless');
    expect(await machine.data(['secrets', 'list'])).toEqual({secrets: []});
    expect(existsSync(join(machine.dataDirectory, 'credentials'))).toBe(false);
  });

  test('nothing stored: a command does not ask the keyring, and names the first way out', async () => {
    const error = await errorOf(['list', 'ai'], {});
    expect(error).toMatchObject({code: 'CREDENTIALS_MISSING', exitCode: 4});
    expect(error.hints[0]).toBe('Store them: cloudctl secrets modal token_id; cloudctl secrets modal token_secret');
    expect(error.hints.join()).toContain('--target local');
  });

  test('the encrypted file needs a key, and says which ones there are', async () => {
    const error = await errorOf(['secrets', 'modal', 'token_id', '--stdin', '--backend', 'file'], {}, 'ak-x');
    expect(error).toMatchObject({code: 'SECRETS_FILE_KEY_MISSING', exitCode: 4});
    expect(error.hints.join()).toMatch(/CLOUDCTL_PASSPHRASE_FILE.*CLOUDCTL_KEY_FILE/);
  });

  test.each([
    ['an unknown backend', {CLOUDCTL_SECRETS_BACKEND: 'plaintext'}, 'UNKNOWN_BACKEND', 2],
    ['a backend that stores nothing', {CLOUDCTL_SECRETS_BACKEND: 'env'}, 'UNKNOWN_BACKEND', 2],
    ['a key file that is not there', {...FILE, CLOUDCTL_KEY_FILE: '/nowhere'}, 'KEY_FILE_MISSING', 4],
    ['a key file of the wrong size', {...FILE, CLOUDCTL_KEY_FILE: executable}, 'KEY_FILE_UNSAFE', 4],
    ['two keys for one new file', {...FILE, CLOUDCTL_PASSPHRASE_FILE: keyFile}, 'KEY_AMBIGUOUS', 2],
  ])('%s', async (_, env, code, exitCode) => {
    const error = await errorOf(['secrets', 'modal', 'token_id', '--stdin'], env as Record<string, string>, 'ak-x');
    expect(error).toMatchObject({code, exitCode});
  });
});

describe('what is not a value', () => {
  const VALUES: [what: string, value: string, says: RegExp][] = [
    ['empty', '', /empty/],
    ['one line break', '\n', /empty/],
    ['white space', '  \t ', /white space/],
    ['white space around', ' ak-x', /white space/],
    ['several lines', 'ak-first\nak-second\n', /several lines/],
    ['NUL', 'ak-x\0y', /control characters/],
    ['an escape sequence', 'ak-\u001B[31mx', /control characters/],
    ['10 kB', `ak-${'x'.repeat(10_000)}`, /longer than 1024 bytes/],
    ['the other half of the pair', 'as-theSecret', /looks like the token_secret/],
  ];

  test.each(VALUES)('%s', async (_, value, says) => {
    const {code, stdout, stderr} = await store('token_id', value);
    expect({code, stdout}).toEqual({code: 2, stdout: ''});
    expect(stderr).toMatch(says);
    expect(stderr).toContain('Nothing was stored.');
    expect(stderr).not.toMatch(/ak-|as-the|xxx/);
    expect(await machine.data(['secrets', 'list'])).toEqual({secrets: []});
  });

  test('an endless pipe is not read to its end', async () => {
    const child = spawn(
      'sh',
      ['-c', `yes ak- | tr -d '\\n' | '${process.execPath}' '${executable}' secrets modal token_id --stdin`],
      {
        env: {...machine.env, ...FILE},
      },
    );
    expect(await finished(child, 20_000, 'yes')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('1024 bytes'),
    });
  });

  test('an unfamiliar beginning is stored with a word', async () => {
    expect(await store('token_id', 'xx-odd')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('begins with "ak-"'),
    });
    await machine.run(['secrets', 'delete', 'modal', 'token_id'], {env: FILE});
  });
});

describe('what is not a command, and is not repeated', () => {
  const V = 'S3cretTypedAsAWord';
  const LINES: [args: string[], code: number, error: string][] = [
    [['secrets', 'modal', 'token_id', V], 2, 'VALUE_IN_ARGUMENTS'],
    [['secrets', 'modal', `token_id=${V}`], 2, 'VALUE_IN_ARGUMENTS'],
    [['secrets', 'modal', V], 2, 'UNKNOWN_KEY'],
    [['secrets', 'modal', `ak-${V}`], 2, 'VALUE_IN_ARGUMENTS'],
    [['secrets', V], 3, 'PROVIDER_NOT_INSTALLED'],
    [['secrets', V, 'token_id'], 3, 'PROVIDER_NOT_INSTALLED'],
    [['secrets', 'set', 'modal', 'token_id', V], 2, 'VALUE_IN_ARGUMENTS'],
    [['secrets', 'modal', 'token_id', `--value=${V}`], 2, 'UNKNOWN_FLAG'],
    [['secrets', 'modal', 'token_id', '--value', V], 2, 'UNKNOWN_FLAG'],
    [['secrets', 'modal', 'token_id', `--stdin=${V}`], 2, 'UNKNOWN_FLAG'],
    [['secrets', 'modal', 'token_id', '--backend', V], 2, 'UNKNOWN_BACKEND'],
    [['secrets', 'modal', 'token_id', '--', V], 2, 'UNKNOWN_FLAG'],
    [['secrets:modal', V, V], 2, 'VALUE_IN_ARGUMENTS'],
    [['secrets', 'list', V], 2, 'VALUE_IN_ARGUMENTS'],
    [['secrets', 'test', 'modal', V], 2, 'VALUE_IN_ARGUMENTS'],
    [['secrets', 'delete', 'modal', 'token_id', V], 2, 'VALUE_IN_ARGUMENTS'],
    [['secrets', 'delete', 'modal', V], 2, 'UNKNOWN_KEY'],
    [['secret', 'modal', 'token_id', V], 2, 'UNKNOWN_COMMAND'],
    [['secrts', 'modal', V], 2, 'UNKNOWN_COMMAND'],
  ];

  test.each(LINES)('%j', async (args, code, error) => {
    const env = {...FILE, DEBUG: '*'};
    const plain = await machine.run(args, {env});
    const json = await machine.run([...args, '--json'], {env});
    expect([plain.code, json.code]).toEqual([code, code]);
    expect(JSON.parse(json.stdout)).toMatchObject({error: {code: error}, warnings: []});
    expect(plain.stdout + plain.stderr + json.stdout + json.stderr).not.toContain('S3cret');
  });

  test('near names for a slip, the keys for none', async () => {
    expect(await errorOf(['secrets', 'modal', 'tokenid'])).toMatchObject({
      hints: ['Did you mean: cloudctl secrets modal token_id', expect.stringContaining('token_secret')],
    });
    expect(await errorOf(['secrets', 'modal'])).toMatchObject({code: 'KEY_MISSING', exitCode: 2});
    expect(await errorOf(['secrets', 'moda', 'token_id'])).toMatchObject({
      exitCode: 3,
      hints: expect.arrayContaining(['Did you mean "modal"?']),
    });
    expect(await errorOf(['secrets'])).toMatchObject({code: 'USAGE', exitCode: 2});
  });

  test('no terminal and no --stdin: at once, with the way', async () => {
    const error = await errorOf(['secrets', 'modal', 'token_id']);
    expect(error).toMatchObject({code: 'NO_TERMINAL', exitCode: 2});
    expect(error.hints.join()).toContain('--stdin');
  });

  test('help of all of them', async () => {
    for (const args of [
      ['secrets', '--help'],
      ['help', 'secrets', 'modal', V],
      ['secrets', 'delete', '--help'],
    ]) {
      const {code, stdout} = await machine.run(args);
      expect(code).toBe(0);
      expect(stdout).toMatch(/USAGE\n +\$ cloudctl secrets/);
      expect(stdout).not.toContain('S3cret');
    }
  });
});

describe('the encrypted file', () => {
  const file = join(machine.dataDirectory, 'credentials/secrets.enc.json');
  const index = join(machine.home, 'config/secrets.json');
  const put = () => store('token_id', 'ak-kept');
  const get = (env: Record<string, string> = FILE) => errorOf(['list', 'ai'], env);

  test('is private, and neither it nor the index has a value', async () => {
    expect(await put()).toMatchObject({code: 0});
    await store('token_secret', 'as-kept');
    for (const path of [file, index]) expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
    expect((statSync(dirname(file)).mode & 0o777).toString(8)).toBe('700');
    expect(readFileSync(file, 'utf8') + readFileSync(index, 'utf8')).not.toContain('kept');
  });

  test('ten writers at once lose nothing', async () => {
    const names = Array.from({length: 10}, (_, i) => `w${i}`);
    const outcomes = await Promise.all(names.map(name => store('token_id', `ak-${name}`, ['--profile', name])));
    expect(outcomes.map(({code, stderr}) => `${code}${stderr}`)).toEqual(names.map(() => '0'));
    const {entries} = JSON.parse(readFileSync(file, 'utf8')) as {entries: object};
    expect(Object.keys(entries)).toEqual(expect.arrayContaining(names.map(name => `${name}/modal/token_id`)));
    const {secrets} = await machine.data<{secrets: {profile: string}[]}>(['secrets', 'list']);
    expect(secrets.map(({profile}) => profile)).toEqual(expect.arrayContaining(names));
    for (const name of names) await machine.run(['secrets', 'delete', 'modal', 'token_id', '--profile', name]);
  }, 60_000);

  test('kill -9 at any moment of a write: what was there is there, and the next write goes through', async () => {
    for (const delay of [250, 300, 350, 400, 450]) {
      const child = machine.start(['secrets', 'modal', 'token_id', '--stdin', '--profile', 'killed'], {
        env: FILE,
        stdin: '',
      });
      child.stdin!.end('ak-killed');
      setTimeout(() => child.kill('SIGKILL'), delay);
      await finished(child, 20_000, 'killed');
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({entries: {'default/modal/token_id': {}}});
      expect(await machine.data(['secrets', 'list'])).toMatchObject({secrets: expect.any(Array)});
    }
    expect(await store('token_id', 'ak-after', ['--profile', 'killed'])).toMatchObject({code: 0});
    await machine.run(['secrets', 'delete', 'modal', 'token_id', '--profile', 'killed']);
  }, 60_000);

  test.each<[string, (whole: string) => string, string]>([
    ['cut off', whole => whole.slice(0, -40), 'SECRETS_FILE_DAMAGED'],
    ['empty', () => '', 'SECRETS_FILE_DAMAGED'],
    [
      'one byte of a value changed',
      whole =>
        whole.replace(
          /("data": ")(.)(?=[\s\S]*"default\/modal\/token_secret")/,
          (_, a: string, b: string) => a + (b === 'A' ? 'B' : 'A'),
        ),
      'SECRETS_FILE_',
    ],
    ['values swapped', swapped, 'SECRETS_FILE_DAMAGED'],
    ['of a newer version', whole => whole.replace('"version": 1', '"version": 2'), 'SECRETS_NEWER'],
  ])('%s: refused, left as it is', async (_, damage, code) => {
    const whole = readFileSync(file, 'utf8');
    const damaged = damage(whole);
    expect(damaged).not.toBe(whole);
    writeFileSync(file, damaged);
    const error = await get();
    expect(error.code).toContain(code);
    expect(error).toMatchObject({exitCode: 4});
    expect(readFileSync(file, 'utf8')).toBe(damaged);
    writeFileSync(file, whole);
  });

  test('another key: wrong, not damaged; and no second key gets in', async () => {
    const other = join(machine.home, 'other-key');
    writeFileSync(other, randomBytes(32), {mode: 0o600});
    const env = {...FILE, CLOUDCTL_KEY_FILE: other};
    expect(await get(env)).toMatchObject({code: 'SECRETS_FILE_WRONG_KEY', exitCode: 4});
    const before = readFileSync(file, 'utf8');
    expect(await store('token_id', 'ak-other', ['--profile', 'other'], env)).toMatchObject({code: 4});
    expect(readFileSync(file, 'utf8')).toBe(before);
    const phrase = join(machine.home, 'phrase');
    writeFileSync(phrase, 'a passphrase', {mode: 0o600});
    const {CLOUDCTL_KEY_FILE: _, ...without} = FILE;
    expect(await get({...without, CLOUDCTL_PASSPHRASE_FILE: phrase})).toMatchObject({code: 'SECRETS_FILE_KEY_MISSING'});
  });

  test.each<[string, string, (path: string) => void, string]>([
    ['readable by others', file, path => chmodSync(path, 0o644), 'SECRETS_FILE_UNSAFE'],
    ['the key file readable by others', keyFile, path => chmodSync(path, 0o640), 'KEY_FILE_UNSAFE'],
    ['the index writable by others', index, path => chmodSync(path, 0o666), 'SECRETS_INDEX_UNSAFE'],
    [
      'a link',
      file,
      path => {
        writeFileSync(`${path}.real`, readFileSync(path), {mode: 0o600});
        rmSync(path);
        symlinkSync(`${path}.real`, path);
      },
      'SECRETS_FILE_UNSAFE',
    ],
    [
      'a folder',
      file,
      path => {
        rmSync(path);
        mkdirSync(path);
      },
      'SECRETS_FILE_UNSAFE',
    ],
  ])('%s: refused with the command that helps', async (_, path, spoil, code) => {
    const content = readFileSync(path);
    spoil(path);
    const error = await get();
    expect(error).toMatchObject({code, exitCode: 4});
    expect(error.hints.join()).toMatch(/chmod 600|ls -l/);
    expect(await store('token_id', 'ak-loose')).toMatchObject({code: 4});
    rmSync(path, {recursive: true});
    rmSync(`${path}.real`, {force: true});
    writeFileSync(path, content, {mode: 0o600});
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  asRoot('of another user: refused', async () => {
    chownSync(file, 65_534, 65_534);
    expect(await get()).toMatchObject({code: 'SECRETS_FILE_UNSAFE', message: expect.stringContaining('another user')});
    chownSync(file, 0, 0);
  });

  asRoot('a home that cannot be written: exit 7 before anything is stored', async () => {
    const folder = join(machine.home, 'read-only');
    mkdirSync(folder, {mode: 0o555});
    const env = {...machine.env, ...FILE, CLOUDCTL_CONFIG_DIR: join(folder, 'config'), CLOUDCTL_KEY_FILE: keyFile};
    chmodSync(machine.home, 0o755);
    const child = spawn(process.execPath, [executable, 'secrets', 'modal', 'token_id', '--stdin'], {env, uid: 65_534});
    child.stdin.end('ak-nowhere');
    const {code, stderr} = await finished(child, 20_000, 'read-only');
    expect(stderr).toContain('cannot be written (EACCES)');
    expect(code).toBe(7);
  });

  test('a damaged index: refused, left as it is', async () => {
    const whole = readFileSync(index, 'utf8');
    writeFileSync(index, '{"schema": 1, "entr');
    expect(await get()).toMatchObject({code: 'SECRETS_INDEX_DAMAGED', exitCode: 4});
    expect(await store('token_id', 'ak-x')).toMatchObject({code: 4});
    expect(readFileSync(index, 'utf8')).toBe('{"schema": 1, "entr');
    writeFileSync(index, whole);
  });
});

function swapped(whole: string): string {
  const contents = JSON.parse(whole) as {entries: Record<string, unknown>};
  const {entries} = contents;
  const [id, secret] = ['default/modal/token_id', 'default/modal/token_secret'] as const;
  return JSON.stringify({...contents, entries: {...entries, [id]: entries[secret], [secret]: entries[id]}});
}

describe('against a real server', () => {
  let server = '';
  const tokens = join(machine.dataDirectory, 'providers/modal/local/tokens.json');
  const pair = (name: string) => ({token_id: `ak-${name}`, token_secret: `as-${name}`});
  const env = (more: Record<string, string> = {}) => ({...FILE, MODAL_SERVER_URL: server, ...more});
  const put = async (key: string, value: string, ...rest: string[]) => {
    const args = ['secrets', 'modal', key, '--stdin', '--json', ...rest];
    const {stdout} = await machine.run(args, {stdin: value, env: env()});
    const {data, error, warnings} = JSON.parse(stdout) as {
      data?: Record<string, unknown>;
      error?: Record<string, unknown>;
      warnings: string[];
    };
    return {...data, ...error, warnings};
  };
  /** The server now takes this pair and no other. */
  const accept = async (name: string) => {
    await machine.run(['modal', 'local', 'stop']);
    writeFileSync(tokens, JSON.stringify(pair(name)), {mode: 0o600});
    await machine.run(['modal', 'local', 'start']);
  };
  const works = () => machine.run(['list', 'ai'], {env: env()});

  beforeAll(async () => {
    await machine.run(['modal', 'local', 'start']);
    server = (await machine.data<{url: string}>(['modal', 'local', 'status'])).url;
    await accept('first');
    await store('token_id', 'ak-first');
    await store('token_secret', 'as-first');
  }, 60_000);

  test('secrets test: where each comes from, then whose it is', async () => {
    const {stdout, code} = await machine.run(['secrets', 'test', 'modal'], {env: env()});
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Provider: modal\ntoken_id: encrypted file, stored at .*\ntoken_secret: .*\nWorkspace: local\n/,
    );
    expect(await machine.data(['secrets', 'test', 'modal'], {env: env()})).toEqual({
      provider: 'modal',
      profile: 'default',
      credentials: [
        {key: 'token_id', source: 'file', storedAt: expect.any(String)},
        {key: 'token_secret', source: 'file', storedAt: expect.any(String)},
      ],
      identity: {workspace: 'local', environment: 'main', tokenName: 'Local Modal', user: 'local'},
    });
  });

  test('the environment goes first, as a pair; half a pair is never filled up', async () => {
    const set = {MODAL_TOKEN_ID: 'ak-first', MODAL_TOKEN_SECRET: 'as-first'};
    const {credentials} = await machine.data<{credentials: object[]}>(['secrets', 'test', 'modal'], {env: env(set)});
    expect(credentials).toEqual([
      {key: 'token_id', source: 'environment', variable: 'MODAL_TOKEN_ID'},
      {key: 'token_secret', source: 'environment', variable: 'MODAL_TOKEN_SECRET'},
    ]);
    const half = await errorOf(['secrets', 'test', 'modal'], env({MODAL_TOKEN_ID: 'ak-first'}));
    expect(half).toMatchObject({code: 'CREDENTIALS_INCOMPLETE', exitCode: 4});
    const {secrets} = await machine.data<{secrets: object[]}>(['secrets', 'list'], {env: env(set)});
    expect(secrets).toContainEqual({
      provider: 'modal',
      key: 'token_id',
      source: 'environment',
      variable: 'MODAL_TOKEN_ID',
    });
  });

  test('refused by the provider: exit 4, still with where they came from', async () => {
    await store('token_id', 'ak-bad', ['--profile', 'bad']);
    await store('token_secret', 'as-bad', ['--profile', 'bad']);
    const error = await errorOf(['secrets', 'test', 'modal', '--profile', 'bad'], env());
    expect(error).toMatchObject({exitCode: 4, data: {credentials: [{source: 'file'}, {source: 'file'}]}});
    expect(error.hints[0]).toContain('cloudctl secrets modal token_id');
    expect(JSON.stringify(error)).not.toMatch(/ak-bad|as-bad/);
  });

  test('profiles: by flag, by variable, a half in another one is no half', async () => {
    await store('token_id', 'ak-first', ['--profile', 'ci']);
    expect(await errorOf(['list', 'ai', '--profile', 'ci'], env())).toMatchObject({
      code: 'CREDENTIALS_INCOMPLETE',
      hints: expect.arrayContaining(['Store it: cloudctl secrets modal token_secret --profile ci']),
    });
    await store('token_secret', 'as-first', ['--profile', 'ci']);
    expect(await machine.run(['list', 'ai'], {env: env({CLOUDCTL_PROFILE: 'ci'})})).toMatchObject({code: 0});
    expect(await errorOf(['list', 'ai'], env({CLOUDCTL_PROFILE: 'nobody'}))).toMatchObject({
      code: 'CREDENTIALS_MISSING',
    });
    expect(await errorOf(['list', 'ai', '--profile', 'no/body'], env())).toMatchObject({
      code: 'BAD_PROFILE',
      exitCode: 2,
    });
    const set = env({MODAL_TOKEN_ID: 'ak-x', MODAL_TOKEN_SECRET: 'as-x'});
    const asked = await machine.run(['list', 'ai', '--profile', 'ci'], {env: set});
    expect(asked).toMatchObject({code: 0, stderr: expect.stringContaining('goes before MODAL_TOKEN_ID')});
  });

  test("a profile of Modal's own file: read, said so, never written; otherwise the file is not even read", async () => {
    const own = join(machine.home, '.modal.toml');
    const text = `[work]\ntoken_id = "ak-first"\ntoken_secret = "as-first" # mine\nserver_url = "${server}"\n[half]\ntoken_id = "ak-x"\n`;
    writeFileSync(own, text, {mode: 0o600});
    const {stderr, code} = await machine.run(['secrets', 'test', 'modal', '--profile', 'modal:work'], {env: FILE});
    expect({code, stderr}).toMatchObject({code: 0, stderr: expect.stringContaining(`profile "work" of ${own}`)});
    expect(await errorOf(['list', 'ai', '--profile', 'modal:wrk'])).toMatchObject({
      code: 'PROFILE_NOT_FOUND',
      exitCode: 3,
      hints: ['Did you mean "work"?', 'Profiles: work, half'],
    });
    expect(await errorOf(['list', 'ai', '--profile', 'modal:half'])).toMatchObject({code: 'CREDENTIALS_INCOMPLETE'});
    expect(await errorOf(['list', 'ai', '--profile', 'aws:x'])).toMatchObject({code: 'BAD_PROFILE'});
    expect(
      await errorOf(['secrets', 'modal', 'token_id', '--stdin', '--profile', 'modal:work'], FILE, 'ak-x'),
    ).toMatchObject({
      code: 'BAD_PROFILE',
    });
    writeFileSync(own, 'token_id = "ak-unclosed\n');
    const broken = await errorOf(['list', 'ai', '--profile', 'modal:work']);
    expect(broken).toMatchObject({code: 'PROFILE_UNREADABLE', exitCode: 4});
    expect(JSON.stringify(broken)).not.toContain('ak-unclosed');
    expect(await works()).toMatchObject({code: 0, stderr: expect.not.stringContaining('modal.toml')});
    expect(readFileSync(own, 'utf8')).toBe('token_id = "ak-unclosed\n');
    rmSync(own);
  });

  test('halves in two places are never mixed', async () => {
    expect(await errorOf(['list', 'ai'], {...env(), CLOUDCTL_SECRETS_BACKEND: 'env'})).toMatchObject({
      code: 'CREDENTIALS_MISSING',
    });
    const index = join(machine.home, 'config/secrets.json');
    const whole = readFileSync(index, 'utf8');
    const {schema, entries} = JSON.parse(whole) as {schema: number; entries: {profile: string; key: string}[]};
    const moved = entries.map(entry =>
      entry.profile === 'default' && entry.key === 'token_secret' ? {...entry, backend: 'keyring'} : entry,
    );
    writeFileSync(index, JSON.stringify({schema, entries: moved}));
    const error = await errorOf(['list', 'ai'], {CLOUDCTL_KEY_FILE: keyFile});
    expect(error).toMatchObject({code: 'CREDENTIALS_MIXED', exitCode: 4});
    expect(error.hints[0]).toBe('Store it beside the other: cloudctl secrets modal token_secret --backend file');
    writeFileSync(index, whole);
  });

  test('rotation: the old pair works until the new one is whole and accepted', async () => {
    expect(await put('token_id', 'ak-second')).toMatchObject({action: 'waiting', verified: false});
    expect(await works()).toMatchObject({code: 0});
    const {secrets} = await machine.data<{secrets: {waitingSince?: string}[]}>(['secrets', 'list']);
    expect(secrets.filter(({waitingSince}) => waitingSince !== undefined)).toHaveLength(1);
    await accept('second');
    expect(await put('token_secret', 'as-wrong')).toMatchObject({code: 'SECRET_REFUSED', exitCode: 4});
    expect(await put('token_secret', 'as-second')).toMatchObject({
      action: 'replaced',
      verified: true,
      identity: {workspace: 'local'},
    });
    expect(await works()).toMatchObject({code: 0});
    expect(JSON.stringify(await machine.data(['secrets', 'list']))).not.toContain('waitingSince');
  }, 60_000);

  test('rotation without a network: stored, with a word', async () => {
    const there = server;
    server = 'http://127.0.0.1:9';
    expect(await put('token_id', 'ak-offline')).toMatchObject({
      action: 'replaced',
      verified: false,
      warnings: expect.arrayContaining([expect.stringContaining('cloudctl secrets test modal')]),
    });
    server = there;
    expect(await put('token_id', 'ak-second')).toMatchObject({action: 'replaced', verified: true});
  }, 60_000);
});
