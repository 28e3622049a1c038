import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {join} from 'node:path';
import {expect, test} from '@jest/globals';
import {ensureRuntime} from '../../src/runtime/index.js';
import {caught, devPython, fixtures, openBridge, recorder, temporary} from '../support.js';

function directories() {
  const root = temporary();
  return {cache: join(root, 'cache'), data: join(root, 'data')};
}

test('the locked packages install on this machine, and the child greets from there', async () => {
  const heard = recorder();
  const runtime = await ensureRuntime({directories: directories(), environment: process.env, report: heard.report});
  const {bridge} = openBridge(undefined, {runtime: async () => runtime});
  expect(await bridge.hello()).toMatchObject({sdk: '1.6.4'});
  const stages = heard.events.filter(event => event.kind === 'stage' && event.id === 'python-packages');
  expect(stages.some(event => 'detail' in event && event.detail === 'modal')).toBe(true);
}, 240_000);

test('a registry that never answers is reported soon, by a real pip', async () => {
  const hole = spawn(devPython, [join(fixtures, 'black_hole.py')], {stdio: ['ignore', 'pipe', 'inherit']});
  try {
    const [data] = (await once(hole.stdout, 'data')) as [Buffer];
    const environment = {
      ...process.env,
      // Not uv, which would try first.
      PATH: (process.env['PATH'] ?? '')
        .split(':')
        .filter(folder => !folder.includes('.dev'))
        .join(':'),
      CLOUDCTL_PYTHON: devPython,
      PIP_CONFIG_FILE: '/dev/null',
      PIP_FIND_LINKS: '',
      PIP_EXTRA_INDEX_URL: '',
      PIP_INDEX_URL: `https://someone:hidden@127.0.0.1:${String(data).trim()}/simple`,
    };
    const began = Date.now();
    const error = await caught(ensureRuntime({directories: directories(), environment}));
    expect(error).toMatchObject({code: 'REGISTRY_UNREACHABLE', exitCode: 7});
    // Some ten seconds; more where creating the environment alone takes long.
    expect(Date.now() - began).toBeLessThan(25_000);
    expect(JSON.stringify(error)).not.toContain('hidden');
  } finally {
    hole.kill();
  }
}, 60_000);
