import {mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from '@jest/globals';
import {Machine} from './harness.js';

const machine = new Machine();
afterAll(() => machine.dispose());

const project = machine.project({
  'main.py': 'def handler(x=1):\n    return x\n\nclass Model:\n    pass\n',
  'broken.py': 'def handler(:\n    pass\n',
  'theirs.py': 'import modal\n\napp = modal.App("mine")\n\ndef handler():\n    pass\n',
});

type Case = [what: string, args: string[], code: number, error: string, says: (string | RegExp)[]];

const deploy = (...rest: string[]): string[] => ['deploy', 'ai', 'x', ...rest];

const CASES: Case[] = [
  [
    'a handler that does not exist',
    deploy('--handler', 'main.handlr'),
    2,
    'HANDLER_NOT_FOUND',
    [/main\.handler|"handler"/],
  ],
  ['a module that does not exist', deploy('--handler', 'mian.handler'), 2, 'HANDLER_NOT_FOUND', [/main/]],
  ['a handler that is a class', deploy('--handler', 'main.Model'), 2, 'HANDLER_NOT_FOUND', [/class/]],
  ['a handler that is none', deploy('--handler', 'main.py:handler'), 2, 'BAD_HANDLER', ['--handler main.handler']],
  ['a file with a syntax error', deploy('--handler', 'broken.handler'), 2, 'SYNTAX_ERROR', [/broken\.py/, /line 1|:1/]],
  [
    'a file that defines a Modal app',
    deploy('--handler', 'theirs.handler'),
    2,
    'DEFINES_MODAL_APP',
    [/theirs\.py/, /modal deploy/],
  ],
  ['an unknown runtime', deploy('--runtime', 'python3.11'), 2, 'UNKNOWN_RUNTIME', ['python311']],
  [
    'runtime and image that disagree',
    deploy('--runtime', 'python312', '--image', 'modal/python:3.11'),
    2,
    'RUNTIME_MISMATCH',
    ['python311'],
  ],
  ['a Modal image that there is not', deploy('--image', 'modal/python:2.7'), 2, 'UNKNOWN_IMAGE', ['modal/python:3.11']],
  [
    'a provider that is not installed',
    deploy('--provider', 'aws'),
    3,
    'PROVIDER_NOT_INSTALLED',
    ['cloudctl plugins install aws'],
  ],
  ['an unknown resource type', ['deploy', 'a1', 'x'], 2, 'UNKNOWN_RESOURCE_TYPE', ['"ai"']],
  ['an unknown target', deploy('--target', 'lcoal'), 2, 'UNKNOWN_TARGET', ['"local"']],
  ['an unknown flag', deploy('--handlr', 'x'), 2, 'USAGE', [/handlr/]],
  ['a missing argument', ['deploy', 'ai'], 2, 'USAGE', [/NAME|resource/]],
  ['an app name that Modal rejects', deploy('--app', 'my app!'), 2, 'BAD_NAME', ['my-app']],
  ['a function name that Modal rejects', deploy('--name', 'a.b'), 2, 'BAD_NAME', ['a-b']],
  ['a function name that is reserved', deploy('--name', 'x-http'), 2, 'BAD_NAME', ['--name x']],
  ['a volume name that Modal rejects', ['deploy', 'storage', 'x', '--name', 'a/b'], 2, 'BAD_NAME', ['a-b']],
  ['a NAME that cannot be', ['deploy', 'ai', '../x'], 2, 'BAD_NAME', []],
  ['a size of zero', ['deploy', 'storage', 'x', '--size', '0'], 2, 'BAD_FLAG_VALUE', ['positive']],
  ['a negative size', ['deploy', 'storage', 'x', '--size=-5'], 2, 'BAD_FLAG_VALUE', ['positive']],
  [
    'a size that is no number',
    ['deploy', 'storage', 'x', '--size', '100GB'],
    2,
    'BAD_FLAG_VALUE',
    [/^Error: --size takes a number, not "100GB"\.$/m],
  ],
  ['a volume without a path', deploy('--volume', 'models'), 2, 'BAD_FLAG_VALUE', ['NAME:/path']],
  ['a volume over the code', deploy('--volume', 'models:/root'), 2, 'BAD_FLAG_VALUE', ['/data']],
  ['an env without a value', deploy('--env', 'S3CR3T'), 2, 'BAD_FLAG_VALUE', ['KEY=VALUE']],
  ['a schedule that is none', deploy('--schedule', 'daily'), 2, 'BAD_FLAG_VALUE', ['every 5m']],
  [
    'more warm containers than there may be',
    deploy('--min-containers', '3', '--max-containers', '2'),
    2,
    'BAD_FLAG_VALUE',
    [],
  ],
  ['a filter by what is not there', ['list', 'ai', '--filter', 'stauts=x'], 2, 'BAD_FILTER', ['status']],
  ['a call of nothing', ['call', 'ai', 'nope'], 3, 'RESOURCE_NOT_FOUND', ['cloudctl list ai']],
  ['a source directory that is not there', deploy('--source', 'nowhere'), 3, 'SOURCE_NOT_FOUND', ['--source']],
  ['requirements that are not there', deploy('--requirements', 'nope.txt'), 3, 'FILE_NOT_FOUND', ['nope.txt']],
];

describe('what cannot be meant', () => {
  test.each(CASES)('%s', async (_, args, code, error, says) => {
    const plain = await machine.run(args, {cwd: project});
    expect({code: plain.code, stdout: plain.stdout}).toEqual({code, stdout: ''});
    expect(plain.stderr).toMatch(/^(.*\n)*Error: /);
    expect(plain.stderr).not.toMatch(/S3CR3T|node:internal|at .*\.js:\d+/);
    for (const text of says) expect(plain.stderr).toMatch(text);
    const json = await machine.run([...args, '--json'], {cwd: project});
    expect(json.code).toBe(code);
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: {code: error, exitCode: code, message: expect.any(String), hints: expect.any(Array)},
      warnings: [],
    });
    expect(json.stderr).toBe('');
  });

  test('nothing was deployed by any of it', async () => {
    expect(await machine.data(['list', 'ai'])).toEqual({resources: []});
    expect(await machine.data(['list', 'storage'])).toEqual({resources: []});
    expect(await machine.data(['cost'])).toMatchObject({resources: []});
  });
});

describe('source directories', () => {
  const from = (name: string) => machine.run(['deploy', 'ai', 'x', '--source', name, '--json']);
  const errorOf = async (name: string) =>
    (JSON.parse((await from(name)).stdout) as {error: {code: string; message: string; exitCode: number}}).error;

  test('empty', async () => {
    mkdirSync(join(machine.home, 'empty'));
    expect(await errorOf('empty')).toMatchObject({code: 'SOURCE_EMPTY', exitCode: 2});
  });

  test('with a file over 1 GiB', async () => {
    const directory = machine.project({'main.py': 'def handler(): pass\n', 'data.bin': ''}, 'large');
    truncateSync(join(directory, 'data.bin'), 1024 ** 3 + 1);
    expect(await errorOf('large')).toMatchObject({
      code: 'FILE_TOO_LARGE',
      exitCode: 2,
      message: expect.stringContaining('data.bin'),
    });
  });

  test('with a loop of links', async () => {
    const directory = machine.project({'main.py': 'def handler(): pass\n', 'lib/a.py': ''}, 'loop');
    symlinkSync('..', join(directory, 'lib/up'));
    expect(await errorOf('loop')).toMatchObject({
      code: 'SYMLINK_LOOP',
      exitCode: 2,
      message: expect.stringContaining('lib/up'),
    });
  });

  test.each(['.env', 'server.pem', 'credentials.json'])('with %s', async name => {
    machine.project({'main.py': 'def handler(): pass\n', [name]: 'x'}, `secret-${name}`);
    expect(await errorOf(`secret-${name}`)).toMatchObject({
      code: 'SECRET_IN_PACKAGE',
      exitCode: 2,
      message: expect.stringContaining(name),
    });
  });

  test('with a file that never rests', async () => {
    const directory = machine.project({'main.py': 'def handler(): pass\n', 'busy.log': 'x'}, 'busy');
    let stop = false;
    const writing = (async () => {
      for (let i = 0; !stop; i++) {
        writeFileSync(join(directory, 'busy.log'), 'x'.repeat(100_000 + (i % 1000)));
        await new Promise(setImmediate);
      }
    })();
    const error = await errorOf('busy');
    stop = true;
    await writing;
    expect(error).toMatchObject({code: 'SOURCE_CHANGED', exitCode: 7, message: expect.stringContaining('busy.log')});
  });
});

describe('credentials and network, with --target cloud', () => {
  const tokens = {MODAL_TOKEN_ID: 'ak-x1', MODAL_TOKEN_SECRET: 'as-x2'};

  test('none: every way out is named', async () => {
    const {code, stderr} = await machine.run(['list', 'ai', '--target', 'cloud']);
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /^Error: .*\n +Store them: cloudctl secrets modal token_id; cloudctl secrets modal token_secret\n/,
    );
    expect(stderr).toContain('MODAL_TOKEN_ID');
    expect(stderr).toContain('--target local');
  });

  test('half a pair', async () => {
    const {code, stderr} = await machine.run(['list', 'ai', '--target', 'cloud'], {env: {MODAL_TOKEN_ID: 'ak-x1'}});
    expect(code).toBe(4);
    expect(stderr).toContain('MODAL_TOKEN_SECRET is not');
    expect(stderr).not.toContain('ak-x1');
  });

  test('no network: said within 10 seconds', async () => {
    const {code, stderr} = await machine.run(['list', 'ai', '--target', 'cloud'], {
      env: {...tokens, MODAL_SERVER_URL: 'http://127.0.0.1:9'},
      limit: 10_000,
    });
    expect(code).toBe(7);
    expect(stderr).toMatch(/127\.0\.0\.1:9|reach/);
    expect(stderr).not.toMatch(/ak-x1|as-x2/);
  });

  test('tokens that the server does not take', async () => {
    await machine.run(['modal', 'local', 'start']);
    const {url} = await machine.data<{url: string}>(['modal', 'local', 'status']);
    const {code, stderr} = await machine.run(['list', 'ai', '--target', 'cloud'], {
      env: {...tokens, MODAL_SERVER_URL: url},
    });
    expect(code).toBe(4);
    expect(stderr).not.toMatch(/ak-x1|as-x2/);
  });
});

describe('the ledger', () => {
  const record = join(machine.dataDirectory, 'ledger/modal/local/local/main/ai/kept.json');

  test.each([
    ['damaged', '{"schema": 1, "prov', 'LEDGER_DAMAGED'],
    ['newer', '{"schema": 7, "provider": "modal"}', 'LEDGER_NEWER'],
  ])('%s: refused and never overwritten, what is whole is still shown', async (_, text, code) => {
    expect(await machine.run(['deploy', 'ai', 'kept', '--app', 'ledger'], {cwd: project})).toMatchObject({code: 0});
    writeFileSync(record, text);
    const again = await machine.run(['deploy', 'ai', 'kept', '--app', 'ledger', '--json'], {cwd: project});
    expect(JSON.parse(again.stdout)).toMatchObject({error: {code, exitCode: 7}});
    // A neighbour in the same app could lose the function whose record cannot be read.
    expect(
      JSON.parse((await machine.run(['deploy', 'ai', 'other', '--app', 'ledger', '--json'], {cwd: project})).stdout),
    ).toMatchObject({error: {code}});
    const cost = await machine.run(['cost']);
    expect(cost).toMatchObject({code: 6, stderr: expect.stringContaining(record)});
    expect((await machine.run(['list', 'ai'])).stdout).toContain('kept');
    expect(readFileSync(record, 'utf8')).toBe(text);
    writeFileSync(record, '');
    const {rmSync} = await import('node:fs');
    rmSync(record);
  });

  test('one NAME from two directories', async () => {
    const other = machine.project({'main.py': 'def handler():\n    return "other"\n'}, 'other');
    expect(await machine.run(['deploy', 'ai', 'mine', '--app', 'shared'], {cwd: project})).toMatchObject({code: 0});
    const refused = await machine.run(['deploy', 'ai', 'mine', '--app', 'shared'], {cwd: other});
    expect(refused).toMatchObject({code: 2, stderr: expect.stringContaining('--take-over')});
    for (const path of [project, other]) expect(refused.stderr).toContain(path);
    expect(await machine.run(['deploy', 'ai', 'mine', '--app', 'shared', '--take-over'], {cwd: other})).toMatchObject({
      code: 0,
    });
    expect(await machine.data(['call', 'ai', 'mine'])).toEqual({value: 'other'});
  });
});
