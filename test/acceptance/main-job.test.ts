import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from '@jest/globals';
import {Machine, repository} from './harness.js';

const project = join(repository, 'examples/image-generator');
const local = ['--provider', 'modal', '--target', 'local'];

const PLAIN_COST = `Provider: modal
Resource: image-generator (ai)
Runtime: vCPU-Hour
Estimated Hourly Cost: $0.013 USD
Estimated Monthly Cost: $9.36 USD

Resource: model-store (storage)
Size: 100 GB
Estimated Monthly Cost: $10.00 USD
`;

interface Resource {
  id: string;
  url: string;
  [field: string]: unknown;
}

describe('the main job, command by command', () => {
  const machine = new Machine({target: 'cloud'});
  const run = (...args: string[]) => machine.run(args, {cwd: project});
  afterAll(() => machine.dispose());

  test('deploy ai', async () => {
    const {code, stdout} = await run(
      'deploy',
      'ai',
      'image-generator',
      ...local,
      '--app',
      'ai-app',
      '--name',
      'generate-image',
      '--runtime',
      'python311',
      '--handler',
      'main.handler',
      '--image',
      'modal/python:3.11',
    );
    expect(stdout).toMatch(
      /^Created: image-generator \(ai\)\nID: fu-\w+\nName: generate-image\nApp: ai-app\nStatus: deployed\nURL: http:\/\/127\.0\.0\.1:\d+\nDashboard: http:\/\/127\.0\.0\.1:\d+\/\S+\nCreated At: \S+Z\n$/,
    );
    expect(code).toBe(0);
  });

  test('deploy storage, and again', async () => {
    const args = ['deploy', 'storage', 'model-store', ...local, '--name', 'trained-models', '--size', '100'];
    const first = await run(...args);
    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Created: model-store \(storage\)\nID: vo-\w+\nName: trained-models\nStatus: deployed\n/,
      ),
    });
    const second = await run(...args);
    expect(second).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Unchanged: model-store \(storage\)\n/),
      stderr: expect.stringContaining('as deployed'),
    });
  });

  test('list ai and list storage', async () => {
    const ai = await run('list', 'ai', ...local);
    expect(ai.stdout).toMatch(/^ID +Name +Status +App +Created At\nfu-\w+ +generate-image +deployed +ai-app +\S+Z\n$/);
    const storage = await run('list', 'storage', ...local);
    expect(storage.stdout).toMatch(/^ID +Name +Status +App +Created At\nvo-\w+ +trained-models +deployed +- +\S+Z\n$/);
    expect([ai.code, storage.code]).toEqual([0, 0]);
  });

  test('list as JSON', async () => {
    const {resources} = await machine.data<{resources: Resource[]}>(['list', 'ai', ...local]);
    expect(resources).toEqual([
      expect.objectContaining({
        id: expect.stringMatching(/^fu-/),
        name: 'generate-image',
        resource: 'image-generator',
        status: 'deployed',
        app: 'ai-app',
        type: 'ai',
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        url: expect.any(String),
      }),
    ]);
  });

  test('cost, to the letter; where the prices come from is said beside it', async () => {
    const {code, stdout, stderr} = await run('cost', ...local);
    expect(stdout).toBe(PLAIN_COST);
    expect(stderr).toMatch(/^Prices: Modal's list prices, \d{4}-\d\d-\d\d \(bundled/);
    expect(code).toBe(0);
  });

  test('call, with arguments and without', async () => {
    const {code, stdout} = await run('call', 'ai', 'image-generator', ...local, '--data', '{"width": 3, "height": 5}');
    const value = JSON.parse(stdout) as {width: number; png: string};
    expect(value).toMatchObject({width: 3, height: 5});
    expect(Buffer.from(value.png, 'base64').subarray(1, 4).toString()).toBe('PNG');
    expect(code).toBe(0);
    expect(await machine.data(['call', 'ai', 'image-generator', ...local])).toMatchObject({value: {width: 32}});
  });

  test('the private URL answers with the local pair, and refuses without', async () => {
    const {resources} = await machine.data<{resources: Resource[]}>(['list', 'ai', ...local]);
    const {stdout} = await run('modal', 'local', 'env');
    const variable = (name: string): string => new RegExp(`^export ${name}='(.*)'$`, 'm').exec(stdout)![1]!;
    const headers = {'Modal-Key': variable('MODAL_TOKEN_ID'), 'Modal-Secret': variable('MODAL_TOKEN_SECRET')};
    const answer = await fetch(`${resources[0]!.url}?color=%23ff0000`, {headers});
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toContain('application/json');
    expect(await answer.json()).toMatchObject({width: 32, height: 32});
    expect((await fetch(resources[0]!.url)).status).toBe(401);
  });

  test('destroy is refused, with what to do instead for this very resource', async () => {
    const ai = await run('destroy', 'ai', 'image-generator', ...local);
    expect(ai).toMatchObject({code: 5, stdout: ''});
    expect(ai.stderr).toContain('modal app stop ai-app');
    expect(ai.stderr).toMatch(/See it first: http/);
    const storage = await run('destroy', 'storage', 'model-store', ...local);
    expect(storage).toMatchObject({code: 5, stderr: expect.stringContaining('modal volume delete trained-models')});
    expect((await run('list', 'ai', ...local)).stdout).toContain('generate-image');
  });

  test('a dry run says what would be created, and touches nothing', async () => {
    const fresh = new Machine();
    const {code, stdout} = await fresh.run(['deploy', 'ai', 'x', '--dry-run'], {cwd: project});
    expect(stdout).toMatch(
      /^Would create: x \(ai\)\nName: x\nApp: image-generator\nHandler: main\.handler\(width, height, color\), function in main\.py:\d+\n(.+\n)*Package: 2 files/,
    );
    expect(code).toBe(0);
    expect(await fresh.data(['modal', 'local', 'status'])).toMatchObject({running: false});
    expect(await fresh.data(['cost'])).toMatchObject({resources: []});
    await fresh.dispose();
  });

  beforeAll(async () => {
    expect(await machine.data(['modal', 'local', 'status'])).toMatchObject({running: false});
  });
});
