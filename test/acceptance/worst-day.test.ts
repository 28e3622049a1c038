import {readdirSync, readFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, describe, expect, test} from '@jest/globals';
import {finished, Machine} from './harness.js';

const machine = new Machine();
const project = machine.project({
  'main.py': 'import time\n\ndef handler(x=1):\n    return x\n\ndef slow():\n    time.sleep(30)\n',
});
const deploy = (name: string, ...rest: string[]): string[] => ['deploy', 'ai', name, '--app', 'app', ...rest];
const options = {cwd: project};
afterAll(() => machine.dispose());

interface Listed {
  resources: {name: string}[];
}

/** Processes whose parent is `pid`, by what their command line holds. */
function childrenOf(pid: number, holding: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]);
        return parent === pid && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(holding);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Kills a child of the CLI as soon as it is there and `delay` has passed. */
async function killChild(pid: number, holding: string, delay: number): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (Date.now() < deadline) {
    const [child] = childrenOf(pid, holding);
    if (child !== undefined) {
      await sleep(delay);
      try {
        process.kill(child, 'SIGKILL');
      } catch {
        // It had already ended: that moment is tried too.
      }
      return;
    }
    await sleep(10);
  }
}

describe('killed at any moment', () => {
  test.each([0, 150, 300, 500, 700, 900])(
    'the Python child, %d ms after it came',
    async delay => {
      const changed = deploy('one', '--timeout', String(100 + delay));
      const child = machine.start(changed, options);
      const [outcome] = await Promise.all([
        finished(child, 60_000, 'deploy'),
        killChild(child.pid!, 'child.py', delay),
      ]);
      if (outcome.code !== 0) {
        expect(outcome.code).toBe(7);
        expect(outcome.stderr).toMatch(/Error: .*\n/);
      }
      // Nothing is half done: the same command goes through, and there is one function.
      expect(await machine.run(changed, options)).toMatchObject({code: 0});
      expect((await machine.data<Listed>(['list', 'ai'])).resources.map(({name}) => name)).toEqual(['one']);
    },
    60_000,
  );

  test.each([0, 200, 500, 800])(
    'the local server, %d ms into a deploy',
    async delay => {
      await machine.run(['modal', 'local', 'start']);
      const {pid} = await machine.data<{pid: number}>(['modal', 'local', 'status']);
      const changed = deploy('one', '--timeout', String(2000 + delay));
      const child = machine.start(changed, options);
      const killed = sleep(delay).then(() => process.kill(pid, 'SIGKILL'));
      const [outcome] = await Promise.all([finished(child, 60_000, 'deploy'), killed]);
      expect([0, 5, 7]).toContain(outcome.code);
      if (outcome.code !== 0) expect(outcome.stderr).toMatch(/Error: .*\n/);
      expect(await machine.run(changed, options)).toMatchObject({code: 0});
      expect(await machine.data(['call', 'ai', 'one', '--data', '7'])).toEqual({value: 7});
    },
    60_000,
  );

  test('the CLI itself: no child is left, the lock is free again', async () => {
    // Something to publish: a deploy without changes is over before it can be killed.
    const child = machine.start(deploy('one', '--timeout', '77'), options);
    const ended = finished(child, 30_000, 'deploy');
    const deadline = Date.now() + 20_000;
    while (childrenOf(child.pid!, 'child.py').length === 0 && Date.now() < deadline) await sleep(20);
    await sleep(200);
    const children = childrenOf(child.pid!, 'child.py');
    expect(children).toHaveLength(1);
    child.kill('SIGKILL');
    await ended;
    while (children.some(isAlive) && Date.now() < deadline) await sleep(50);
    expect(children.filter(isAlive)).toEqual([]);
    expect(await machine.run(deploy('one'), {...options, limit: 60_000})).toMatchObject({code: 0});
  }, 150_000);
});

test('Ctrl-C: exit 130, one line, no child left', async () => {
  await machine.run(deploy('slow', '--handler', 'main.slow'), options);
  const child = machine.start(['call', 'ai', 'slow'], options);
  const deadline = Date.now() + 10_000;
  while (childrenOf(child.pid!, 'child.py').length === 0 && Date.now() < deadline) await sleep(20);
  await sleep(800);
  const children = childrenOf(child.pid!, 'child.py');
  child.kill('SIGINT');
  const outcome = await finished(child, 30_000, 'call');
  expect(outcome).toMatchObject({
    code: 130,
    stdout: '',
    stderr: expect.stringMatching(/^Error: Interrupted\.\nWarning: The function goes on [^\n]*\n$/),
  });
  expect(children.filter(isAlive)).toEqual([]);
}, 60_000);

test('two deploys of the same name at the same time both end well, one after the other', async () => {
  const both = await Promise.all([machine.run(deploy('twin'), options), machine.run(deploy('twin'), options)]);
  expect(both.map(({code}) => code)).toEqual([0, 0]);
  expect((await machine.data<Listed>(['list', 'ai', '--filter', 'name=twin'])).resources).toHaveLength(1);
});

test('two commands that start the local server at the same time share one', async () => {
  await machine.run(['modal', 'local', 'stop']);
  const both = await Promise.all([machine.run(['list', 'ai']), machine.run(['list', 'storage'])]);
  expect(both.map(({code}) => code)).toEqual([0, 0]);
}, 60_000);
