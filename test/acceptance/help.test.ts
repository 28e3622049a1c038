import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {EXIT} from '@cloudctl/provider-sdk';
import {afterAll, describe, expect, test} from '@jest/globals';
import {EXIT_MEANINGS} from '../../src/command-line/help.js';
import {Machine, repository} from './harness.js';

const machine = new Machine();
const bare = new Machine({plugins: []});
afterAll(async () => {
  await machine.dispose();
  await bare.dispose();
});

describe('help', () => {
  test("the provider's flags stand under a heading of their own", async () => {
    const {code, stdout} = await machine.run(['deploy', 'ai', '--help']);
    expect(code).toBe(0);
    const [core, own] = stdout.split('MODAL FLAGS');
    expect(core).toContain('--dry-run');
    for (const flag of ['--app', '--runtime', '--handler', '--image', '--gpu', '--volume', '--schedule', '--url']) {
      expect(own).toContain(flag);
      expect(core).not.toContain(`${flag}=`);
    }
    expect(own).not.toContain('--size=GB');
  });

  test('follow the type, and come for each type where none is given', async () => {
    expect((await machine.run(['deploy', 'storage', '--help'])).stdout).toMatch(
      /MODAL FLAGS\n +--size=GB[\s\S]*no fixed size/,
    );
    const {stdout} = await machine.run(['deploy', '--help', '--provider', 'modal']);
    expect(stdout).toContain('MODAL AI FLAGS');
    expect(stdout).toContain('MODAL STORAGE FLAGS');
  });

  test('fits into 80 columns', async () => {
    const {stdout} = await machine.run(['deploy', 'ai', '--help']);
    expect(stdout.split('\n').filter(line => line.length > 80 && !line.includes('$ cloudctl'))).toEqual([]);
  });

  test.each(['deploy', 'list', 'call', 'cost', 'destroy', 'providers', 'secrets list', 'ledger forget'])(
    '%s --help names --json',
    async command => {
      expect((await machine.run([...command.split(' '), '--help'])).stdout).toContain('--json');
    },
  );

  test('comes without any provider', async () => {
    expect(await bare.run(['deploy', '--help'])).toMatchObject({code: 0, stdout: expect.stringContaining('--dry-run')});
  });

  test('exit codes are the same in code, help and docs', async () => {
    const {stdout} = await machine.run(['--help']);
    const docs = readFileSync(join(repository, 'docs/errors-and-exit-codes.md'), 'utf8');
    for (const [name, code] of Object.entries(EXIT)) {
      expect(stdout).toMatch(
        new RegExp(
          `^ +${code} +${EXIT_MEANINGS[name as keyof typeof EXIT].slice(0, 20).replace(/[()]/g, '\\$&')}`,
          'm',
        ),
      );
      expect(docs).toMatch(new RegExp(`^\\| ${code} \\| `, 'm'));
    }
  });
});

describe('providers', () => {
  test('shows resource types and operations, and why one is refused', async () => {
    const {code, stdout} = await machine.run(['providers']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Provider: modal \(Modal: .*\)\nPlugin: @cloudctl\/plugin-modal 0\.1\.0\n/);
    expect(stdout).toMatch(
      /Resource type ai: .*; plan, deploy, list, observe, adopt, call, meter\n {2}not destroy: Modal stops whole apps/,
    );
    expect(await machine.data(['providers'])).toMatchObject({
      providers: [
        {name: 'modal', resources: [{type: 'ai', operations: {deploy: true, destroy: false}}, {type: 'storage'}]},
      ],
      problems: [],
    });
  });

  test('none installed', async () => {
    expect(await bare.run(['providers'])).toMatchObject({
      code: 0,
      stdout: 'No provider is installed.\nInstall one: cloudctl plugins install modal\n',
    });
    expect(await bare.run(['list', 'ai'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('cloudctl plugins install modal'),
    });
    expect(await bare.run(['list', 'ai', '--provider', 'modal'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('cloudctl plugins install modal'),
    });
  });
});

test('an unknown command is a usage error, one document under --json', async () => {
  const {code, stdout} = await machine.run(['deplyo', 'ai', 'x', '--json']);
  expect(code).toBe(2);
  expect(JSON.parse(stdout)).toMatchObject({error: {exitCode: 2}});
});

test('arguments never come from standard input', async () => {
  expect(await machine.run(['list'], {stdin: 'ai\n'})).toMatchObject({code: 2, stdout: ''});
});
