import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, expect, test} from '@jest/globals';
import {Machine} from './harness.js';

const machine = new Machine();
afterAll(() => machine.dispose());

const directory = machine.project(
  {
    'main.py': 'def handler(name="world"):\n    """Greets."""\n    return f"Hello, {name}!"\n',
    'tools.py': 'def other(x):\n    return x\n',
  },
  'greeter',
);
const file = join(directory, 'cloudctl.yaml');

test('init, plan, apply, call: from plain files to a running function', async () => {
  const shown = await machine.run(['init', '--dry-run'], {cwd: directory});
  expect(shown).toMatchObject({code: 0, stderr: expect.stringContaining('Would write: cloudctl.yaml')});
  const written = await machine.run(['init'], {cwd: directory});
  expect(written).toMatchObject({code: 0, stderr: expect.stringContaining('Next: cloudctl plan')});
  expect(written.stdout).toContain('Function: greeter (main.handler)');
  expect(written.stdout).toContain('In comments: other (tools.other)');
  expect(readFileSync(file, 'utf8')).toBe(shown.stdout);
  expect((await machine.run(['plan', '--exit-code'], {cwd: directory})).code).toBe(9);
  expect((await machine.run(['apply', '--yes'], {cwd: directory})).code).toBe(0);
  const {stdout} = await machine.run(['call', 'ai', 'greeter', '--data', '"Ada"'], {cwd: directory});
  expect(stdout).toBe('"Hello, Ada!"\n');
}, 180_000);

test('a file that is there stays, and --json tells what was found', async () => {
  writeFileSync(file, '# mine\n');
  const refused = await machine.run(['init', '--json'], {cwd: directory});
  expect(refused.code).toBe(2);
  expect(JSON.parse(refused.stdout)).toMatchObject({error: {code: 'FILE_EXISTS'}});
  expect(readFileSync(file, 'utf8')).toBe('# mine\n');
  const {resources, ...data} = await machine.data<{resources: object[]}>(['init', '--force'], {cwd: directory});
  expect(data).toEqual({file: 'cloudctl.yaml', written: true});
  expect(resources).toEqual([
    {resource: 'greeter', type: 'ai', handler: 'main.handler', kind: 'sync', summary: 'Greets.', active: true},
    {resource: 'other', type: 'ai', handler: 'tools.other', kind: 'sync', active: false},
  ]);
});
