import {execFileSync} from 'node:child_process';
import {existsSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, expect, test} from '@jest/globals';
import {executable, Machine, repository} from './harness.js';

const machine = new Machine();
const log = join(machine.home, 'modules.log');
afterAll(() => machine.dispose());

/** What a command loads, built as it is. */
function modulesOf(args: readonly string[]): string {
  rmSync(log, {force: true});
  execFileSync(process.execPath, ['--import', join(repository, 'test/fixtures/log-modules.mjs'), executable, ...args], {
    cwd: machine.home,
    env: {...machine.env, MODULE_LOG: log},
    stdio: 'pipe',
    timeout: 30_000,
  });
  expect(existsSync(log)).toBe(true);
  return readFileSync(log, 'utf8');
}

const DRAWING = /dist\/ink\.js|node_modules\/(ink|react|yoga-layout)\b/;
const PYTHON = /python-shell/;

test('the log sees what is loaded', () => {
  expect(modulesOf(['providers'])).toMatch(/dist\/commands\/providers\.js/);
});

test.each([
  ['--version'],
  ['--help'],
  ['providers'],
  ['providers --json'],
  ['cost'],
  ['cost --json'],
  ['deploy ai --help'],
])('%s loads neither Ink, React nor the bridge', line => {
  const modules = modulesOf(line.split(' '));
  expect(modules).not.toMatch(DRAWING);
  expect(modules).not.toMatch(PYTHON);
});

test('list --json loads neither Ink nor React', () => {
  const modules = modulesOf(['list', 'ai', '--json']);
  expect(modules).toMatch(PYTHON);
  expect(modules).not.toMatch(DRAWING);
});
