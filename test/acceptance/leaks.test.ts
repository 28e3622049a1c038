import {spawnSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, describe, expect, test} from '@jest/globals';
import {KeyringSession, keyringMissing} from '../keyring/session.js';
import {finished, Machine, type Outcome} from './harness.js';
import {Markers, ProcessWatch} from './leak-watch.js';
import {onTerminal} from './terminal.js';

const unique = (): string => randomBytes(9).toString('hex');
const GOOD = {id: `ak-${unique()}`, secret: `as-${unique()}`};
const BAD = {id: `ak-${unique()}`, secret: `as-${unique()}`};
const TYPED = `T${unique()}`;
const PASSPHRASE = `horse ${unique()}`;
const markers = new Markers({
  'the id': GOOD.id,
  'the secret': GOOD.secret,
  'the wrong id': BAD.id,
  'the wrong secret': BAD.secret,
  'the word typed': TYPED,
  'the passphrase': PASSPHRASE,
});

const machine = new Machine({target: 'cloud'});
const watch = new ProcessWatch(markers);
const project = machine.project({
  'main.py':
    'import os, time\n\ndef handler(x=1):\n    return x\n\ndef show():\n    return dict(os.environ)\n\n' +
    'def fail():\n    raise RuntimeError(str(dict(os.environ)))\n\ndef slow():\n    time.sleep(20)\n',
});
const state = join(machine.dataDirectory, 'providers/modal/local');
const key = join(machine.home, 'key');
const passphrase = join(machine.home, 'passphrase');
const own = join(machine.home, '.modal.toml');
/** Where the test itself, or Local Modal by design, keeps a marker. */
const known = new Set([join(state, 'tokens.json'), join(state, 'server.json'), passphrase, own]);

const missing = keyringMissing();
if (missing !== undefined) console.warn(`The leak tests go without the system keyring: ${missing}.`);
const withKeyring = missing === undefined ? test : test.skip;

type Env = Record<string, string>;
let server = '';
let keyring: KeyringSession | undefined;
const places: {
  environment: () => Env;
  wrong: () => Env;
  file: () => Env;
  keyring: () => Env;
} = {
  environment: () => ({MODAL_SERVER_URL: server, MODAL_TOKEN_ID: GOOD.id, MODAL_TOKEN_SECRET: GOOD.secret}),
  wrong: () => ({MODAL_SERVER_URL: server, MODAL_TOKEN_ID: BAD.id, MODAL_TOKEN_SECRET: BAD.secret}),
  file: () => ({MODAL_SERVER_URL: server, CLOUDCTL_KEY_FILE: key}),
  keyring: () => ({MODAL_SERVER_URL: server, CLOUDCTL_PROFILE: 'ring', ...keyring?.env}),
};
let scenarios = 0;

/** Runs a command for people with every debug line, then for scripts; both must be clean. */
async function clean(args: readonly string[], env: Env, stdin?: string): Promise<Outcome> {
  const [plain] = await Promise.all([
    outcomeOf(args, {DEBUG: '*', ...env}, stdin),
    // What writes would meet itself.
    stdin === undefined ? outcomeOf([...args, '--json'], env) : undefined,
  ]);
  if (stdin !== undefined) await outcomeOf([...args, '--json'], env, stdin);
  scenarios++;
  return plain;
}

async function outcomeOf(args: readonly string[], env: Env, stdin?: string): Promise<Outcome> {
  const child = machine.start(args, {cwd: project, env, ...(stdin === undefined ? {} : {stdin})});
  if (env['MODAL_TOKEN_ID'] !== undefined) watch.exempt.add(child.pid!);
  child.stdin?.end(stdin);
  const outcome = await finished(child, 60_000, args.join(' '));
  expectClean(outcome, args);
  return outcome;
}

function expectClean({stdout, stderr}: Outcome, args: readonly string[]): void {
  expect(markers.in(stdout).map(marker => `${marker} on stdout of ${args.join(' ')}`)).toEqual([]);
  expect(markers.in(stderr).map(marker => `${marker} on stderr of ${args.join(' ')}`)).toEqual([]);
}

beforeAll(async () => {
  writeFileSync(key, randomBytes(32), {mode: 0o600});
  writeFileSync(passphrase, PASSPHRASE, {mode: 0o600});
  mkdirSync(state, {recursive: true, mode: 0o700});
  writeFileSync(join(state, 'tokens.json'), JSON.stringify({token_id: GOOD.id, token_secret: GOOD.secret}), {
    mode: 0o600,
  });
  await machine.run(['modal', 'local', 'start']);
  server = (await machine.data<{url: string}>(['modal', 'local', 'status'])).url;
  if (missing === undefined) keyring = await KeyringSession.start();
  watch.start();
}, 90_000);

afterAll(async () => {
  watch.stop();
  await keyring?.stop();
  await machine.dispose();
});

const STORE = ['secrets', 'modal', 'token_id', '--stdin'];

describe('storing', () => {
  test.each([
    ['token_id', GOOD.id],
    ['token_secret', GOOD.secret],
  ])('%s in the encrypted file', async (name, value) => {
    const args = ['secrets', 'modal', name, '--stdin', '--backend', 'file'];
    expect(await clean(args, places.file(), value)).toMatchObject({code: 0});
  });

  withKeyring.each([
    ['token_id', GOOD.id],
    ['token_secret', GOOD.secret],
  ])('%s in the system keyring', async (name, value) => {
    expect(await clean(['secrets', 'modal', name, '--stdin'], places.keyring(), value)).toMatchObject({code: 0});
    expect(keyring!.lookup(`ring/modal/${name}`)).toBe(value);
    expect(watch.seen).toContain('keyring-helper.js');
  });

  test('under a passphrase', async () => {
    const env = {
      CLOUDCTL_PASSPHRASE_FILE: passphrase,
      CLOUDCTL_DATA_DIR: join(machine.home, 'second'),
      CLOUDCTL_CONFIG_DIR: join(machine.home, 'second-config'),
    };
    mkdirSync(env.CLOUDCTL_DATA_DIR);
    writeFileSync(
      join(env.CLOUDCTL_DATA_DIR, 'package.json'),
      readFileSync(join(machine.dataDirectory, 'package.json')),
    );
    expect(await clean([...STORE, '--backend', 'file'], env, GOOD.id)).toMatchObject({code: 0});
    writeFileSync(passphrase, `not ${PASSPHRASE}`);
    expect(await clean(['secrets', 'test', 'modal'], env)).toMatchObject({code: 4});
  });

  test.each<[string, string]>([
    ['several lines', `${BAD.id}\n${BAD.secret}`],
    ['NUL', `${BAD.id}\0`],
    ['ten kilobytes', BAD.id.repeat(500)],
    ['the other half', BAD.secret],
    ['white space', ` ${BAD.id}`],
  ])('refused: %s', async (_, value) => {
    expect(await clean([...STORE, '--backend', 'file'], places.file(), value)).toMatchObject({code: 2});
  });

  test('no keyring', async () => {
    expect(await clean([...STORE, '--profile', 'none'], {}, BAD.id)).toMatchObject({code: 4});
  });

  test('a half that waits, a half that is refused, and no network', async () => {
    expect(await clean(STORE, places.file(), BAD.id)).toMatchObject({code: 0});
    expect(await clean(['secrets', 'modal', 'token_secret', '--stdin'], places.file(), BAD.secret)).toMatchObject({
      code: 4,
    });
    const offline = {...places.file(), MODAL_SERVER_URL: 'http://127.0.0.1:9'};
    expect(await clean(STORE, offline, GOOD.id)).toMatchObject({code: 0});
    expect(await clean(STORE, places.file(), GOOD.id)).toMatchObject({code: 0});
  }, 60_000);

  test('typed at the prompt', async () => {
    for (const last of ['\r', '\u0003']) {
      const steps = [{expect: 'Modal token id:', send: `${GOOD.id}${last}`}];
      const args = ['secrets', 'modal', 'token_id', '--profile', 'typed', '--backend', 'file'];
      const {output} = await onTerminal(machine, args, steps, {...places.file(), DEBUG: '*'});
      expect(markers.in(output)).toEqual([]);
      scenarios++;
    }
  });
});

describe('typed on the command line', () => {
  // Seen by ps, which is why it is refused; the watch is told so.
  beforeAll(() => watch.stop());
  afterAll(() => watch.start());

  test.each<string[][]>([
    [['secrets', 'modal', 'token_id', TYPED]],
    [['secrets', 'modal', TYPED]],
    [['secrets', TYPED, 'token_id']],
    [['secrets', 'modal', `token_id=${TYPED}`]],
    [['secrets', 'modal', 'token_id', `--value=${TYPED}`]],
    [['secrets', 'delete', 'modal', TYPED]],
    [['secrets', 'list', TYPED]],
    [['secret', 'modal', 'token_id', TYPED]],
  ])('%j', async args => {
    expect((await clean(args, places.file())).code).toBeGreaterThan(1);
  });
});

const deploy = (name: string, handler: string) => [
  'deploy',
  'ai',
  name,
  '--app',
  'leaks',
  '--handler',
  `main.${handler}`,
];

describe('using', () => {
  const COMMANDS: [string, string[], number][] = [
    ['environment', deploy('one', 'handler'), 0],
    ['file', deploy('show', 'show'), 0],
    ['environment', deploy('fail', 'fail'), 0],
    ['environment', deploy('slow', 'slow'), 0],
    ['file', ['deploy', 'storage', 'disk', '--size', '5'], 0],
    ['environment', [...deploy('one', 'handler'), '--dry-run'], 0],
    ['file', ['list', 'ai'], 0],
    ['environment', ['list', 'storage'], 0],
    ['file', ['call', 'ai', 'one'], 0],
    ['environment', ['call', 'ai', 'show'], 0],
    ['environment', ['call', 'ai', 'fail'], 5],
    ['environment', ['call', 'ai', 'nobody'], 3],
    ['environment', ['cost'], 0],
    ['environment', ['destroy', 'ai', 'one'], 5],
    ['environment', ['providers'], 0],
    ['environment', ['list', 'nonsense'], 2],
    ['environment', deploy('bad', 'nothing'), 2],
    ['environment', ['deploy', 'ai', 'x', '--nonsense'], 2],
    ['environment', ['list', 'ai', '--target', 'nonsense'], 2],
    ['environment', ['nonsense'], 2],
    ['environment', ['deploy', 'ai', '--help'], 0],
    ['environment', ['secrets', 'list'], 0],
    ['environment', ['secrets', 'test', 'modal'], 0],
    ['file', ['secrets', 'test', 'modal'], 0],
    ['file', ['secrets', 'list'], 0],
    ['wrong', ['secrets', 'test', 'modal'], 4],
    ['wrong', ['list', 'ai'], 4],
    ['wrong', deploy('one', 'handler'), 4],
  ];

  test.each(COMMANDS)('from the %s: %j', async (place, args, code) => {
    const env = places[place as keyof typeof places]();
    // What fails speaks in two voices; what succeeds says the same in both.
    const outcome = code === 0 ? await outcomeOf([...args, '--json'], {DEBUG: '*', ...env}) : await clean(args, env);
    if (code === 0) scenarios++;
    expect(outcome).toMatchObject({code});
  });

  withKeyring('from the system keyring', async () => {
    expect(await clean(['list', 'ai'], places.keyring())).toMatchObject({code: 0});
    expect(await clean(['secrets', 'test', 'modal'], places.keyring())).toMatchObject({code: 0});
  });

  test("from a profile of Modal's own", async () => {
    const text = (quote: string) => `[work]\ntoken_id = "${GOOD.id}"\ntoken_secret = "${GOOD.secret}${quote}\n`;
    const args = ['list', 'ai', '--profile', 'modal:work'];
    writeFileSync(own, text('"'), {mode: 0o600});
    expect(await clean(args, {MODAL_SERVER_URL: server})).toMatchObject({code: 0});
    writeFileSync(own, text(''));
    expect(await clean(args, {MODAL_SERVER_URL: server})).toMatchObject({code: 4});
  });

  test('half a pair, no network, no Python, a server that is none', async () => {
    const {MODAL_TOKEN_SECRET: _, ...half} = places.environment();
    expect(await clean(['list', 'ai'], half)).toMatchObject({code: 4});
    const env = places.environment();
    expect(await clean(['list', 'ai'], {...env, MODAL_SERVER_URL: 'http://127.0.0.1:9'})).toMatchObject({code: 7});
    expect(await clean(['list', 'ai'], {...env, CLOUDCTL_MODAL_PYTHON: '/bin/false'})).toMatchObject({code: 7});
    expect((await clean(['list', 'ai'], {...env, MODAL_SERVER_URL: 'nonsense'})).code).not.toBe(0);
  }, 60_000);

  test('a damaged encrypted file', async () => {
    const file = join(machine.dataDirectory, 'credentials/secrets.enc.json');
    const whole = readFileSync(file);
    writeFileSync(file, whole.subarray(0, whole.length / 2));
    expect(await clean(['list', 'ai'], places.file())).toMatchObject({code: 4});
    writeFileSync(file, whole);
    chmodSync(file, 0o644);
    expect(await clean(['list', 'ai'], places.file())).toMatchObject({code: 4});
    chmodSync(file, 0o600);
  });
});

describe('in the middle of a call', () => {
  /** Starts the slow function, and acts once its child is there. */
  async function interrupted(env: Env, act: (pid: number) => void | Promise<void>): Promise<Outcome> {
    const child = machine.start(['call', 'ai', 'slow'], {cwd: project, env: {...places.environment(), ...env}});
    watch.exempt.add(child.pid!);
    const ended = finished(child, 30_000, 'call');
    const deadline = Date.now() + 15_000;
    while (Number.isNaN(childOf(child.pid!)) && Date.now() < deadline) await sleep(20);
    await sleep(1000);
    await act(child.pid!);
    const outcome = await ended;
    expectClean(outcome, ['call']);
    scenarios++;
    return outcome;
  }

  const childOf = (pid: number): number =>
    Number(
      readdirSync('/proc').find(name => {
        try {
          return (
            /^\d+$/.test(name) &&
            readFileSync(`/proc/${name}/status`, 'utf8').includes(`PPid:\t${pid}\n`) &&
            readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('child.py')
          );
        } catch {
          return false;
        }
      }),
    );

  test('what a shell sees in /proc', async () => {
    await interrupted({DEBUG: '*'}, pid => {
      const others = '[ "$p" = "/proc/$1" ] || cat "$p/cmdline" "$p/environ" "$p/comm"';
      const {stdout} = spawnSync(
        'sh',
        ['-c', `for p in /proc/[0-9]*; do ${others}; done 2>/dev/null`, 'sh', String(pid)],
        {
          maxBuffer: 64 * 1024 * 1024,
        },
      );
      expect(stdout.length).toBeGreaterThan(1000);
      expect(markers.in(stdout)).toEqual([]);
      process.kill(pid, 'SIGINT');
    });
  }, 60_000);

  test('the Python child killed', async () => {
    const outcome = await interrupted({DEBUG: '*'}, pid => {
      process.kill(childOf(pid), 'SIGSEGV');
    });
    expect(outcome.code).toBe(7);
  }, 60_000);

  test("a crash report of Node's: written, and clean", async () => {
    const options = {NODE_OPTIONS: '--report-on-signal --report-signal=SIGUSR2 --report-uncaught-exception'};
    await interrupted(options, async pid => {
      process.kill(pid, 'SIGUSR2');
      await sleep(500);
      process.kill(pid, 'SIGINT');
    });
    const reports = readdirSync(project).filter(name => /^report\..*\.json$/.test(name));
    expect(reports).not.toEqual([]);
    for (const name of reports) expect(markers.in(readFileSync(join(project, name)))).toEqual([]);
  }, 60_000);
});

test('nothing of it is left anywhere on the disk, in an argument, or in an environment', () => {
  watch.look();
  expect([...watch.hits]).toEqual([]);
  expect(watch.seen).toContain('child.py');
  expect(watch.seen).toContain('modal_local');
  expect(markers.below(machine.home, known)).toEqual([]);
  for (const folder of ['ledger', 'snapshots', 'credentials'])
    expect(existsSync(join(machine.dataDirectory, folder))).toBe(true);
  expect(scenarios).toBeGreaterThanOrEqual(30);
  console.log(`Leaks: ${scenarios} scenarios, 0 hits.`);
});

test('the search finds what is there', () => {
  const file = join(machine.home, 'planted');
  for (const content of [GOOD.id, Buffer.from(`x${GOOD.secret}`).subarray(1).toString('base64')]) {
    writeFileSync(file, `{"value": "${content}"}`);
    expect(markers.below(machine.home, known)).not.toEqual([]);
  }
  writeFileSync(file, '');
});
