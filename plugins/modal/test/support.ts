import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {ProgressEvent} from '@cloudctl/provider-sdk';
import {afterAll} from '@jest/globals';
import {Bridge, type BridgeOptions} from '../src/bridge/index.js';

const here = dirname(fileURLToPath(import.meta.url));

export const pluginRoot = resolve(here, '..');
export const protocolFolder = join(pluginRoot, 'protocol');
export const fixtures = join(here, 'fixtures');

/** A Python that has the SDK, as the set-up script makes it. */
export const devPython = process.env['CLOUDCTL_TEST_PYTHON'] ?? resolve(pluginRoot, '../../.dev/venv/bin/python');

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, {recursive: true, force: true, maxRetries: 3});
});

/** A directory that goes after the tests of the file. */
export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cloudctl-modal-'));
  directories.push(directory);
  return directory;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until something is so; a test's own timeout bounds it as well. */
export async function until(condition: () => boolean | Promise<boolean>, milliseconds = 10_000): Promise<void> {
  for (const end = Date.now() + milliseconds; Date.now() < end; ) {
    if (await condition()) return;
    await new Promise(done => setTimeout(done, 20));
  }
  throw new Error('It did not happen in time.');
}

export async function caught(work: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await work;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('It did not fail.');
}

export interface TestBridge {
  bridge: Bridge;
  /** What went to debug. */
  said: string[];
  /** How many children were asked for. */
  starts(): number;
}

const open: Bridge[] = [];
afterAll(async () => {
  await Promise.all(open.map(bridge => bridge.close()));
});

/** A bridge to one of the fixtures, or to the real child where none is named. */
export function openBridge(script: string | undefined, options: Partial<BridgeOptions> = {}): TestBridge {
  const said: string[] = [];
  let starts = 0;
  const bridge = new Bridge({
    client: {name: 'cloudctl', version: '0.1.0'},
    runtime: async () => {
      starts++;
      return {python: devPython, source: 'named'};
    },
    connection: async () => ({environment: {}}),
    debug: message => said.push(message),
    ...(script === undefined ? {} : {script: join(fixtures, script)}),
    ...options,
  });
  open.push(bridge);
  return {bridge, said, starts: () => starts};
}

/** A sink that keeps what it gets. */
export function recorder(): {events: ProgressEvent[]; report: (event: ProgressEvent) => void; stages(): string[]} {
  const events: ProgressEvent[] = [];
  return {
    events,
    report: event => void events.push(event),
    stages: () => [...new Set(events.flatMap(event => (event.kind === 'stage' ? [`${event.id} ${event.state}`] : [])))],
  };
}
