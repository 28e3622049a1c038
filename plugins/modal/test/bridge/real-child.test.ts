import {spawn} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {beforeAll, describe, expect, test} from '@jest/globals';
import {build} from 'esbuild';
import {METHODS} from '../../src/bridge/protocol.js';
import {caught, devPython, isAlive, openBridge, pluginRoot, temporary, until} from '../support.js';

function project(source: string): string {
  const directory = temporary();
  writeFileSync(join(directory, 'main.py'), source);
  return directory;
}

describe('the real child', () => {
  test('greets, and knows every method', async () => {
    const {bridge} = openBridge(undefined);
    const hello = await bridge.hello();
    expect(hello.sdk).toMatch(/^1\./);
    expect(hello.capabilities.sort()).toEqual(Object.keys(METHODS).sort());
  });

  test('inspects a handler without running it', async () => {
    const {bridge} = openBridge(undefined);
    const directory = project('raise SystemExit("imported!")\nasync def handler(text, *, loud=False): ...\n');
    await expect(bridge.inspect({directory, handler: 'main.handler'})).resolves.toEqual({
      module: 'main',
      attribute: 'handler',
      file: 'main.py',
      line: 2,
      kind: 'async',
      parameters: [
        {name: 'text', kind: 'positional', required: true},
        {name: 'loud', kind: 'keyword', required: false},
      ],
    });
  });

  test('names what was meant', async () => {
    const {bridge} = openBridge(undefined);
    const directory = project('def handler(x): ...\n');
    const error = await caught(bridge.inspect({directory, handler: 'main.handlr'}));
    expect(error).toMatchObject({code: 'HANDLER_NOT_FOUND', exitCode: 2, hints: ['Name it: --handler main.handler']});
    const syntax = await caught(bridge.inspect({directory: project('def handler(:\n'), handler: 'main.handler'}));
    expect(syntax).toMatchObject({code: 'SYNTAX_ERROR', exitCode: 2, data: {file: 'main.py', line: 1}});
  });

  test('examines what a handler imports, and looks around in a project', async () => {
    const {bridge} = openBridge(undefined);
    const directory = project('import os\nimport cv2\n\n\ndef handler(x): ...\n');
    const params = {
      directory,
      handler: 'main.handler',
      python: '3.11',
      ignored: [{path: 'data/', by: '.gitignore: data/'}],
    };
    const {signature, modules, warnings} = await bridge.examine(params);
    expect([signature.line, modules, warnings.length]).toEqual([5, [{name: 'main', file: 'main.py'}], 1]);
    expect(warnings[0]).toContain('main.py:2 imports cv2');
    const found = await bridge.discover({directory, files: ['main.py']});
    expect(found.handlers).toEqual([{handler: 'main.handler', file: 'main.py', line: 5, kind: 'sync'}]);
    const broken = project('from data import load\ndef handler(x): ...\n');
    const error = await caught(bridge.examine({...params, directory: broken}));
    expect(error).toMatchObject({
      code: 'MODULE_MISSING',
      exitCode: 2,
      message: 'main.py:1 imports data, but the package leaves data/ out (.gitignore: data/).',
      hints: ["Take it into the package: echo '!/data/' >> .cloudctlignore"],
    });
  });

  test('answers hundreds of requests at once, each with its own', async () => {
    const {bridge} = openBridge(undefined);
    const names = Array.from({length: 200}, (_, at) => `f${at}`);
    const directory = project(names.map(name => `def ${name}(): ...\n`).join(''));
    const found = await Promise.all(names.map(name => bridge.inspect({directory, handler: `main.${name}`})));
    expect(found.map(({attribute}) => attribute)).toEqual(names);
  });

  test('says within 10 seconds that a mute server is out of reach, and can be told not to wait', async () => {
    const server = createServer(socket => socket.on('error', () => undefined));
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done));
    const {port} = server.address() as {port: number};
    const environment = {
      MODAL_TOKEN_ID: 'ak-0123456789',
      MODAL_TOKEN_SECRET: 'as-0123456789',
      MODAL_SERVER_URL: `http://127.0.0.1:${port}`,
    };
    try {
      const {bridge} = openBridge(undefined, {connection: async () => ({environment})});
      const stop = new AbortController();
      const cancelled = caught(bridge.listFunctions({signal: stop.signal}));
      await bridge.hello();
      setTimeout(() => stop.abort(), 300);
      expect((await cancelled)['exitCode']).toBe(130);
      const began = Date.now();
      const error = await caught(bridge.whoami());
      expect(error).toMatchObject({code: 'UNREACHABLE', exitCode: 7});
      expect(Date.now() - began).toBeLessThan(12_000);
    } finally {
      server.close();
    }
  });
});

describe('a CLI that ends without closing the bridge', () => {
  const directory = join(temporary(), 'plugin');
  const program = join(directory, 'program.mjs');

  beforeAll(async () => {
    mkdirSync(directory);
    writeFileSync(join(directory, 'package.json'), '{"name": "@cloudctl/plugin-modal", "version": "0.0.0"}');
    const stdin = `
      import {Bridge} from ${JSON.stringify(join(pluginRoot, 'src/bridge/index.ts'))};
      const bridge = new Bridge({
        client: {name: 'test', version: '0'},
        runtime: async () => ({python: process.argv[2], source: 'named'}),
        connection: async () => ({environment: {}}),
        debug: message => console.log(message),
        script: ${JSON.stringify(join(pluginRoot, 'python/child.py'))},
      });
      await bridge.hello();
      console.log('greeted');
      if (process.argv[3] === 'stay') setInterval(() => {}, 1000);
      if (process.argv[3] === 'exit') process.exit(5);
    `;
    await build({
      stdin: {contents: stdin, resolveDir: pluginRoot, loader: 'ts'},
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile: program,
      alias: {'@cloudctl/provider-sdk': join(pluginRoot, '../../packages/provider-sdk/src/index.ts')},
      banner: {js: "import {createRequire} from 'node:module';const require=createRequire(import.meta.url);"},
      logLevel: 'error',
    });
  });

  async function start(how: string) {
    const cli = spawn(process.execPath, [program, devPython, how], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {...process.env, NODE_OPTIONS: ''},
    });
    let output = '';
    cli.stdout.on('data', data => {
      output += data;
    });
    const ended = new Promise<number | null>(done => cli.once('exit', code => done(code)));
    await until(() => output.includes('greeted'));
    return {cli, ended, child: Number(/started process (\d+)/.exec(output)?.[1])};
  }

  test('by coming to its end: it does end, and so does the child', async () => {
    const {ended, child} = await start('end');
    expect(await ended).toBe(0);
    await until(() => !isAlive(child), 3000);
  });

  test('by process.exit: the child ends', async () => {
    const {ended, child} = await start('exit');
    expect(await ended).toBe(5);
    await until(() => !isAlive(child), 3000);
  });

  test('by SIGKILL: no orphan stays', async () => {
    const {cli, ended, child} = await start('stay');
    expect(isAlive(child)).toBe(true);
    cli.kill('SIGKILL');
    await ended;
    await until(() => !isAlive(child), 3000);
  });
});
