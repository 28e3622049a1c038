import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from '@jest/globals';
import {Machine, python} from './harness.js';

interface Listed {
  resources: {name: string; app: string; resource?: string; status: string; url?: string; id: string}[];
}

const HANDLERS = `
import asyncio

def double(x=1):
    return x * 2

async def greet(name, greeting="hello"):
    await asyncio.sleep(0)
    return f"{greeting}, {name}"

def count(to=3):
    for i in range(to):
        yield {"i": i}

async def later(*parts, **options):
    for part in parts:
        yield part
    yield options

def fail():
    raise ValueError("no such luck")

def raw():
    return b"\\x89PNG\\r\\n\\x1a\\n..."
`;

const names = ({resources}: Listed): string[] => resources.map(({app, name}) => `${app}/${name}`).sort();

describe('several functions in one app', () => {
  const machine = new Machine();
  const project = machine.project({
    'main.py': HANDLERS,
    'pkg/__init__.py': '',
    'pkg/deep.py': 'def triple(x):\n    return 3 * x\n',
  });
  const deploy = (name: string, handler: string, ...rest: string[]) =>
    machine.data(['deploy', 'ai', name, '--app', 'shop', '--handler', handler, ...rest], {cwd: project});
  const call = async (name: string, ...data: string[]) =>
    machine.data<{value?: unknown; items?: unknown[]}>([
      'call',
      'ai',
      name,
      ...data.flatMap(value => ['--data', value]),
    ]);
  afterAll(() => machine.dispose());

  test('a second one leaves the first, also when its code has changed meanwhile', async () => {
    await deploy('double', 'main.double');
    machine.project({'main.py': HANDLERS.replace('x * 2', 'x * 20')});
    await deploy('triple', 'pkg.deep.triple');
    machine.project({'main.py': HANDLERS});
    expect(names(await machine.data<Listed>(['list', 'ai']))).toEqual(['shop/double', 'shop/triple']);
    expect(await call('double', '21')).toEqual({value: 42});
    expect(await call('triple', '{"x": 5}')).toEqual({value: 15});
  });

  test('handlers of every kind', async () => {
    for (const handler of ['greet', 'count', 'later', 'fail', 'raw']) await deploy(handler, `main.${handler}`);
    expect(await call('greet', '{"name": "Ada"}')).toEqual({value: 'hello, Ada'});
    expect(await call('count', '2')).toEqual({items: [{i: 0}, {i: 1}]});
    expect(await call('later', '{"a": 1}')).toEqual({items: [{a: 1}]});
    const items = await machine.run(['call', 'ai', 'count']);
    expect(items.stdout).toBe('{"i":0}\n{"i":1}\n{"i":2}\n');
    expect((await machine.data<Listed>(['list', 'ai'])).resources).toHaveLength(7);
  });

  test('an exception: its type, its message, its traceback, exit code 5', async () => {
    const {code, stdout, stderr} = await machine.run(['call', 'ai', 'fail']);
    expect({code, stdout}).toEqual({code: 5, stdout: ''});
    expect(stderr).toContain('ValueError');
    expect(stderr).toContain('no such luck');
    expect(stderr).toMatch(/main\.py", line \d+, in fail/);
    const json = JSON.parse((await machine.run(['call', 'ai', 'fail', '--json'])).stdout) as {
      error: {exitCode: number; data: {traceback: string}};
    };
    expect(json.error).toMatchObject({
      exitCode: 5,
      provider: 'modal',
      data: {traceback: expect.stringContaining('in fail')},
    });
  });

  test('input that does not fit, and names that are not there', async () => {
    expect(await machine.run(['call', 'ai', 'greet', '--data', '{bad'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not JSON'),
    });
    expect(await machine.run(['call', 'ai', 'greet'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('name'),
    });
    expect(await machine.run(['call', 'ai', 'gret', '--data', '1'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('Did you mean "greet"?'),
    });
    expect(await machine.run(['call', 'ai', 'greet', '--data', '@nowhere.json'])).toMatchObject({code: 3});
  });

  test('input from standard input and from a file', async () => {
    const piped = await machine.run(['call', 'ai', 'double', '--data', '-'], {stdin: '4'});
    expect(piped).toMatchObject({code: 0, stdout: '8\n'});
    const directory = machine.project({'in.json': '{"x": 5}'}, 'inputs');
    expect(await machine.run(['call', 'ai', 'double', '-d', '@in.json'], {cwd: directory})).toMatchObject({
      code: 0,
      stdout: '10\n',
    });
  });

  test('HTTP: objects as keywords, other bodies first, queries, generators, bytes, errors', async () => {
    const url: Record<string, string> = {};
    for (const name of ['greet', 'count', 'fail', 'raw', 'double']) {
      const {resource} = (await deploy(name, `main.${name}`, '--url', 'public')) as {resource: {url: string}};
      url[name] = resource.url;
    }
    const post = (name: string, body: string) => fetch(url[name]!, {method: 'POST', body});
    expect(await (await post('greet', '{"name": "Ada", "greeting": "hi"}')).json()).toBe('hi, Ada');
    expect(await (await fetch(`${url['greet']}?name=Bob`)).json()).toBe('hello, Bob');
    expect(await (await post('double', '[1]')).json()).toEqual([1, 1]);
    expect(await (await fetch(url['count']!)).json()).toEqual([{i: 0}, {i: 1}, {i: 2}]);
    const bytes = await fetch(url['raw']!);
    expect(bytes.headers.get('content-type')).toBe('image/png');
    expect((await post('greet', '{bad')).status).toBe(400);
    const failed = await fetch(url['fail']!);
    expect(failed.status).toBe(500);
    const text = await failed.text();
    expect(text).toContain('ValueError');
    expect(text).not.toContain('Traceback');
  }, 60_000);

  test('no URL where none is wanted', async () => {
    const {resource} = (await deploy('double', 'main.double', '--url', 'none')) as {resource: {url?: string}};
    expect(resource.url).toBeUndefined();
    const {resources} = await machine.data<Listed>(['list', 'ai', '--filter', 'name=double']);
    expect(resources).toHaveLength(1);
    expect(resources[0]!.url).toBeUndefined();
  });

  test('the stock modal command sees the app', async () => {
    const {stdout} = await machine.run(['modal', 'local', 'env']);
    const {execFileSync} = await import('node:child_process');
    const apps = execFileSync('bash', ['-c', `${stdout}\n"${python}" -m modal app list --json`], {
      cwd: machine.home,
      env: {...machine.env},
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect((JSON.parse(apps) as object[])[0]).toMatchObject({description: 'shop', state: 'deployed'});
  });

  test('a second machine, with an empty ledger, carries what is there; only foreign functions need --replace', async () => {
    rmSync(join(machine.dataDirectory, 'ledger'), {recursive: true});
    rmSync(join(machine.dataDirectory, 'snapshots'), {recursive: true});
    await deploy('four', 'main.double');
    expect(names(await machine.data<Listed>(['list', 'ai']))).toEqual(
      ['count', 'double', 'fail', 'four', 'greet', 'later', 'raw', 'triple'].map(name => `shop/${name}`),
    );
    expect(await call('shop/triple', '{"x": 2}')).toEqual({value: 6});
  });

  test('a function that CloudCTL does not know is not dropped without --replace', async () => {
    const foreign = machine.project(
      {'theirs.py': 'import modal\napp = modal.App("theirs")\n@app.function()\ndef precious():\n    return 1\n'},
      'foreign',
    );
    const {stdout} = await machine.run(['modal', 'local', 'env']);
    const {execFileSync} = await import('node:child_process');
    execFileSync('bash', ['-c', `${stdout}\n"${python}" -m modal deploy theirs.py`], {
      cwd: foreign,
      env: {...machine.env},
      timeout: 30_000,
    });
    const args = ['deploy', 'ai', 'mine', '--app', 'theirs', '--handler', 'main.double'];
    const refused = await machine.run(args, {cwd: project});
    expect(refused).toMatchObject({code: 5, stderr: expect.stringMatching(/precious[\s\S]*--replace/)});
    expect(names(await machine.data<Listed>(['list', 'ai', '--filter', 'app=theirs']))).toEqual(['theirs/precious']);
    await machine.data([...args, '--replace'], {cwd: project});
    expect(names(await machine.data<Listed>(['list', 'ai', '--filter', 'app=theirs']))).toEqual(['theirs/mine']);
  });
});

test('a neighbour that was stopped comes back with the app, and that is said', async () => {
  const machine = new Machine();
  const project = machine.project({'main.py': HANDLERS});
  const deploy = (name: string) =>
    machine.run(['deploy', 'ai', name, '--app', 'stopped', '--handler', 'main.double'], {cwd: project});
  await deploy('first');
  expect((await deploy('second')).stderr).not.toContain('published again');
  const {stdout} = await machine.run(['modal', 'local', 'env']);
  const {execFileSync} = await import('node:child_process');
  execFileSync('bash', ['-c', `${stdout}\n"${python}" -m modal app stop stopped --yes`], {
    cwd: machine.home,
    env: {...machine.env},
    timeout: 30_000,
    stdio: 'pipe',
  });
  expect((await deploy('second')).stderr).toMatch(/published again with it: "first"\./);
  await machine.dispose();
});

describe('volumes in functions', () => {
  const machine = new Machine();
  const project = machine.project({
    'main.py': `
import pathlib
def write(text):
    pathlib.Path("/models/weights.txt").write_text(text)
    return "written"
def read():
    return pathlib.Path("/models/weights.txt").read_text()
`,
  });
  const deploy = (name: string) =>
    machine.run(
      ['deploy', 'ai', name, '--app', 'trainer', '--handler', `main.${name}`, '--volume', 'trained-models:/models'],
      {cwd: project},
    );
  afterAll(() => machine.dispose());

  test('a volume that does not exist is an error that names the command to create it', async () => {
    expect(await deploy('write')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('cloudctl deploy storage trained-models'),
    });
    expect((await machine.data<Listed>(['list', 'ai'])).resources).toEqual([]);
  });

  test('one function writes, another reads, also after the server was restarted and killed', async () => {
    await machine.data(['deploy', 'storage', 'trained-models']);
    expect(await deploy('write')).toMatchObject({code: 0});
    expect(await deploy('read')).toMatchObject({code: 0});
    expect(await machine.data(['call', 'ai', 'write', '--data', '"first"'])).toEqual({value: 'written'});
    expect(await machine.data(['call', 'ai', 'read'])).toEqual({value: 'first'});
    await machine.run(['modal', 'local', 'stop']);
    expect(await machine.data(['call', 'ai', 'read'])).toEqual({value: 'first'});
    const {pid} = await machine.data<{pid: number}>(['modal', 'local', 'status']);
    process.kill(pid, 'SIGKILL');
    expect(await machine.data(['call', 'ai', 'read'])).toEqual({value: 'first'});
  }, 60_000);
});
