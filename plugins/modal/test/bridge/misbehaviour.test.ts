import {describe, expect, test} from '@jest/globals';
import {caught, isAlive, openBridge, temporary, until} from '../support.js';

const secret = 'as-very-secret-0123456789';
const connection = async () => ({environment: {MODAL_TOKEN_ID: 'ak-0123456789', MODAL_TOKEN_SECRET: secret}});

function inspect(handler: string, directory = '/x'): {directory: string; handler: string} {
  return {directory, handler};
}

function call(name: string, input: number | string | null = null) {
  return {app: 'app', function: name, hasInput: true, input};
}

describe('a child that dies', () => {
  test('with an exit code: the error has it, and the end of stderr', async () => {
    const {bridge, starts} = openBridge('misbehave.py');
    const error = await caught(bridge.inspect(inspect('die')));
    expect(error).toMatchObject({
      code: 'PYTHON_DIED',
      exitCode: 7,
      provider: 'modal',
      message: expect.stringContaining('exit code 7: ValueError: broken on purpose'),
      data: {exitCode: 7, signal: null, stderr: expect.stringContaining('first line')},
    });
    expect(starts()).toBe(2);
    // The next request gets a fresh one.
    await expect(bridge.inspect(inspect('fine'))).resolves.toMatchObject({module: 'fine'});
  });

  test('by a signal: the error names it', async () => {
    const {bridge} = openBridge('misbehave.py');
    const error = await caught(bridge.inspect(inspect('killed')));
    expect(error).toMatchObject({code: 'PYTHON_DIED', data: {exitCode: null, signal: 'SIGKILL'}});
    expect(error.message).toContain('SIGKILL');
  });

  test('once: a request that changes nothing is tried again', async () => {
    const {bridge, starts, said} = openBridge('misbehave.py');
    await expect(bridge.inspect(inspect('die_once', temporary()))).resolves.toMatchObject({module: 'die_once'});
    expect(starts()).toBe(2);
    expect(said.join('\n')).toContain('trying once more');
  });

  test('during a request that changes something: never tried again, and the hint says that it is uncertain', async () => {
    const {bridge, starts} = openBridge('misbehave.py');
    const error = await caught(bridge.call(call('die')));
    expect(error['code']).toBe('PYTHON_DIED');
    expect(error['hints']).toContain('Whether the function ran is unknown.');
    expect(starts()).toBe(1);
  });

  test('right after its answer: the answer counts', async () => {
    const {bridge} = openBridge('misbehave.py');
    await expect(bridge.inspect(inspect('answer_and_die'))).resolves.toMatchObject({module: 'main'});
  });

  test('takes all that is pending with it', async () => {
    const {bridge} = openBridge('misbehave.py');
    const waiting = caught(bridge.call(call('silent')));
    const dying = caught(bridge.call(call('die')));
    expect((await waiting)['code']).toBe('PYTHON_DIED');
    expect((await dying)['code']).toBe('PYTHON_DIED');
  });

  test('before it greets: said once, with what it wrote', async () => {
    const {bridge, starts} = openBridge('broken_start.py');
    const error = await caught(bridge.deployApp({app: 'a', functions: [], targets: ['x'], client: 'c'}));
    expect(error['message']).toContain("No module named 'cloudctl_modal'");
    expect(error['hints']).toContain('Build the Python environment anew: cloudctl modal setup --rebuild');
    // It was never sent, so that even a deploy may be tried once more.
    expect(starts()).toBe(2);
  });

  test('cannot be started at all', async () => {
    const {bridge} = openBridge('misbehave.py', {
      runtime: async () => ({python: '/nowhere/python', source: 'private'}),
    });
    const error = await caught(bridge.inspect(inspect('fine')));
    expect(error).toMatchObject({code: 'PYTHON_NOT_STARTED', exitCode: 7});
    await bridge.close();
  });
});

describe('a child that says what it should not', () => {
  test('noise on stdout is reported and survived', async () => {
    const {bridge, said} = openBridge('misbehave.py');
    await expect(bridge.inspect(inspect('noise'))).resolves.toMatchObject({module: 'noise'});
    const text = said.join('\n');
    expect(text).toContain('is not JSON: hello, I am a print');
    expect(text).toContain('request 99, which nobody awaits');
  });

  test('200 MB on stderr leave 8 kB', async () => {
    const {bridge} = openBridge('misbehave.py', {debug: undefined});
    const before = process.memoryUsage().rss;
    const error = await caught(bridge.call(call('flood')));
    const {stderr} = error['data'] as {stderr: string};
    expect(stderr.length).toBeLessThanOrEqual(8 * 1024);
    expect(stderr).toMatch(/the end$/);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
  });

  test.each([
    ['no_result', 'has not exactly one of result and error'],
    ['wrong_result', 'lacks "attribute"'],
    ['unread', 'A line that is not JSON'],
  ])('%s is an error at once', async (name, problem) => {
    const {bridge} = openBridge('misbehave.py');
    const error = await caught(bridge.inspect(inspect(name)));
    expect(error).toMatchObject({code: 'PROTOCOL', exitCode: 1, message: expect.stringContaining(problem)});
  });

  test('closed stdout ends it', async () => {
    const {bridge} = openBridge('misbehave.py');
    expect((await caught(bridge.call(call('close_stdout'))))['code']).toBe('PYTHON_DIED');
  });

  test('another protocol is told as such', async () => {
    const {bridge} = openBridge('other_protocol.py');
    const error = await caught(bridge.inspect(inspect('fine')));
    expect(error).toMatchObject({code: 'PROTOCOL_MISMATCH', exitCode: 7});
    expect(error.message).toContain('speaks protocol 2');
  });

  test('secrets reach neither an error nor debug', async () => {
    const {bridge, said} = openBridge('misbehave.py', {connection});
    const [died, told] = [await caught(bridge.call(call('whisper'))), await caught(bridge.call(call('tell')))];
    expect((died['data'] as {stderr: string}).stderr).toContain('token [redacted]');
    expect(told).toMatchObject({
      code: 'AUTH',
      exitCode: 4,
      message: 'bad [redacted]',
      data: {deep: [{token: '[redacted]'}]},
    });
    expect(said.join('\n')).not.toContain(secret);
    expect(JSON.stringify([died, told])).not.toContain(secret);
  });
});

describe('long messages and slow sides', () => {
  test('a line of 20 MB arrives', async () => {
    const {bridge} = openBridge('misbehave.py');
    await bridge.hello();
    const began = performance.now();
    const {module} = await bridge.inspect(inspect('big'));
    expect(module).toHaveLength(20 * 1024 * 1024);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('a line that comes byte by byte arrives', async () => {
    const {bridge} = openBridge('misbehave.py');
    await expect(bridge.inspect(inspect('in_pieces'))).resolves.toMatchObject({module: 'äöü€😀'});
  });

  test('a child that does not read holds the sender back', async () => {
    const {bridge} = openBridge('misbehave.py');
    const deaf = bridge.inspect(inspect('deaf'));
    const before = process.memoryUsage().rss;
    const text = 'x'.repeat(1024 * 1024);
    const sent = Promise.all(Array.from({length: 200}, () => bridge.call(call('echo', text))));
    sent.catch(() => undefined);
    await new Promise(done => setTimeout(done, 500));
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024);
    await deaf;
    for (const {value} of await sent) expect((value as string).length).toBe(text.length);
  });

  test('a slow consumer holds the child back, and misses nothing', async () => {
    const {bridge} = openBridge('misbehave.py');
    const got: number[] = [];
    let running = 0;
    const result = await bridge.call(call('items', 500), {
      onItem: async value => {
        expect(++running).toBe(1);
        await new Promise(done => setImmediate(done));
        got.push((value as {at: number}).at);
        running--;
      },
    });
    expect(result.items).toBe(500);
    expect(got).toEqual(Array.from({length: 500}, (_, at) => at));
  });

  test('what a consumer has no time for stays with the child', async () => {
    const {bridge} = openBridge('misbehave.py');
    await bridge.hello();
    const before = process.memoryUsage().rss;
    let first = true;
    const {items} = await bridge.call(call('items', 100_000), {
      onItem: async () => {
        if (!first) return;
        first = false;
        await new Promise(done => setTimeout(done, 1500));
        expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
      },
    });
    expect(items).toBe(100_000);
  });

  test('a consumer that throws ends its request, and no other', async () => {
    const {bridge} = openBridge('misbehave.py');
    const broken = bridge.call(call('items', 100), {
      onItem: () => {
        throw new Error('enough');
      },
    });
    await expect(broken).rejects.toThrow('enough');
    await expect(bridge.inspect(inspect('fine'))).resolves.toMatchObject({module: 'fine'});
  });

  test('progress arrives; of an unknown stage it is noise', async () => {
    const {bridge} = openBridge('misbehave.py');
    const seen: string[] = [];
    await bridge.inspect(inspect('progress'), {onProgress: ({stage, log}) => seen.push(`${stage} ${log}`)});
    expect(seen).toEqual(['image #1']);
  });
});

describe('giving up', () => {
  test('a deadline ends a request that is never answered, and the child that does not heed it', async () => {
    const {bridge} = openBridge('misbehave.py', {grace: 200});
    const error = await caught(bridge.call(call('silent'), {deadline: 100}));
    expect(error).toMatchObject({code: 'TIMEOUT', exitCode: 7});
    await expect(bridge.inspect(inspect('fine'))).resolves.toMatchObject({module: 'fine'});
  });

  test('a child that answers to the cancellation lives on', async () => {
    const {bridge, starts} = openBridge('misbehave.py', {grace: 5000});
    const stop = new AbortController();
    const waiting = caught(bridge.call(call('patient'), {signal: stop.signal}));
    await bridge.inspect(inspect('fine'));
    stop.abort();
    expect(await waiting).toMatchObject({code: 'INTERRUPTED', exitCode: 130});
    await bridge.inspect(inspect('fine'));
    expect(starts()).toBe(1);
  });

  test('an abort before anything is sent starts nothing twice and rejects at once', async () => {
    const {bridge} = openBridge('misbehave.py', {connection: () => new Promise(() => undefined)});
    const stop = new AbortController();
    const waiting = caught(bridge.whoami({signal: stop.signal}));
    await bridge.hello();
    stop.abort();
    expect((await waiting)['exitCode']).toBe(130);
    expect((await caught(bridge.whoami({signal: stop.signal})))['exitCode']).toBe(130);
  });

  test('close ends a stubborn child and its children, and can be called twice', async () => {
    const {bridge} = openBridge('stubborn.py');
    const {value} = await bridge.call(call('pids'));
    const pids = value as number[];
    expect(pids.every(isAlive)).toBe(true);
    await Promise.all([bridge.close(), bridge.close()]);
    await until(() => !pids.some(isAlive), 3000);
    expect((await caught(bridge.hello()))['code']).toBe('BRIDGE_CLOSED');
  });

  test('close rejects what is pending', async () => {
    const {bridge} = openBridge('misbehave.py');
    const waiting = caught(bridge.call(call('silent')));
    await bridge.hello();
    await bridge.close();
    expect((await waiting)['code']).toBe('BRIDGE_CLOSED');
  });

  test('close before the runtime is there waits for nothing', async () => {
    const {bridge} = openBridge('misbehave.py', {runtime: () => new Promise(() => undefined)});
    bridge.start();
    const waiting = caught(bridge.hello());
    await bridge.close();
    expect((await waiting)['code']).toBe('BRIDGE_CLOSED');
  });
});

describe('the connection', () => {
  test('reaches the child over its private descriptor, never its start environment', async () => {
    const {bridge} = openBridge('misbehave.py', {
      connection,
      environment: {...process.env, MODAL_TOKEN_ID: 'ak-of-the-user', AWS_SECRET_ACCESS_KEY: 'x'},
    });
    const {value} = await bridge.call(call('environment'));
    const {start, secrets} = value as {start: Record<string, string>; secrets: Record<string, string>};
    expect(secrets['MODAL_TOKEN_SECRET']).toBe(secret);
    expect(start['MODAL_TOKEN_ID']).toBeUndefined();
    expect(start['AWS_SECRET_ACCESS_KEY']).toBeUndefined();
    expect(start['MODAL_CONFIG_PATH']).toMatch(/no-modal-config\.toml$/);
    expect(start['PATH']).toBe(process.env['PATH']);
  });

  test('is asked for once, and not for requests that need none', async () => {
    let asked = 0;
    const {bridge} = openBridge('misbehave.py', {
      connection: async () => {
        asked++;
        return {environment: {}};
      },
    });
    await bridge.inspect(inspect('fine'));
    expect(asked).toBe(0);
    await Promise.all([bridge.call(call('echo', 1)), bridge.call(call('echo', 2))]);
    expect(asked).toBe(1);
  });

  test('that fails rejects remote requests with its error, until it succeeds; inspect goes on', async () => {
    let fails = true;
    const {bridge} = openBridge('misbehave.py', {
      connection: async () => {
        if (fails) throw Object.assign(new Error('no keyring'), {cloudctl: 1, code: 'KEYRING', exitCode: 4, hints: []});
        return {environment: {}};
      },
    });
    bridge.connect();
    expect(await caught(bridge.call(call('echo', 1)))).toMatchObject({code: 'KEYRING', exitCode: 4});
    await expect(bridge.inspect(inspect('fine'))).resolves.toMatchObject({module: 'fine'});
    fails = false;
    await expect(bridge.call(call('echo', 1))).resolves.toEqual({value: 1});
  });

  test('goes to a second child as well', async () => {
    const {bridge} = openBridge('misbehave.py', {connection});
    await caught(bridge.call(call('die')));
    const {value} = await bridge.call(call('environment'));
    expect((value as {secrets: Record<string, string>}).secrets['MODAL_TOKEN_SECRET']).toBe(secret);
  });

  test('is of no use without the SDK', async () => {
    const {bridge} = openBridge('no_sdk.py');
    await expect(bridge.inspect(inspect('h'))).resolves.toMatchObject({module: 'main'});
    const error = await caught(bridge.whoami());
    expect(error).toMatchObject({code: 'MODAL_SDK_MISSING', exitCode: 7});
    expect(String(error['hints'])).toContain('-m pip install');
  });

  test('Ctrl-C on the terminal does not reach the child: it is of another process group', async () => {
    const {bridge} = openBridge('misbehave.py');
    const [pid, group, parents] = (await bridge.call(call('group'))).value as [number, number, number];
    expect(group).toBe(pid);
    expect(group).not.toBe(parents);
  });
});
