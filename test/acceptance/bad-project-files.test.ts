import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, expect, test} from '@jest/globals';
import {Machine} from './harness.js';
import {expectRefused, type Told, told} from './told.js';

const machine = new Machine();
afterAll(() => machine.dispose());

type Refusal = readonly [exitCode: number, error: string, ...says: (string | RegExp)[]];

const cwd = machine.project({'main.py': 'def handler(x=1):\n    return x\n'});
const plan = (lines: readonly string[], ...flags: string[]): Promise<Told> => {
  writeFileSync(join(cwd, 'cloudctl.yaml'), `version: 1\n${lines.join('\n')}\n`);
  return told(machine, ['plan', ...flags], {cwd});
};
const ai = (more = ''): string => `{type: ai, handler: main.handler${more}}`;

const CASES: [what: string, lines: string[], flags: string[], refusal: Refusal][] = [
  [
    'tabs',
    ['resources:', '\tone:', '\t\ttype: ai'],
    [],
    [2, 'PROJECT_FILE_INVALID', 'cloudctl.yaml:3:1: a tab: YAML indents with spaces only'],
  ],
  [
    'a key that stands twice',
    ['resources:', '  one:', '    type: ai', '    memory: 1024', '    memory: 2048'],
    [],
    [2, 'PROJECT_FILE_INVALID', 'cloudctl.yaml:6:5: resources.one.memory: stands here twice; first in line 5'],
  ],
  [
    'a resource that stands twice',
    ['resources:', `  one: ${ai()}`, `  one: ${ai()}`],
    [],
    [2, 'PROJECT_FILE_INVALID', 'cloudctl.yaml:4:3: resources.one: stands here twice; first in line 3'],
  ],
  [
    'an alias without its anchor',
    ['resources:', '  one: *base'],
    [],
    [2, 'PROJECT_FILE_INVALID', 'cloudctl.yaml:3:8: resources.one: there is no anchor &base above'],
  ],
  [
    'an unknown environment',
    ['resources:', `  one: ${ai()}`, 'environments:', '  staging: {}'],
    ['--environment', 'stagin'],
    [2, 'UNKNOWN_ENVIRONMENT', 'there is no environment "stagin". Did you mean "staging"?'],
  ],
  [
    'two resources with one name',
    ['resources:', `  one: ${ai(', name: same, app: a')}`, `  two: ${ai(', name: same, app: a')}`],
    [],
    [2, 'NAME_TAKEN', '"one" and "two" are both called "same" in the app "a".', 'name: two'],
  ],
  [
    'two names that differ only in case',
    ['resources:', `  one: ${ai()}`, `  One: ${ai()}`],
    [],
    [2, 'PROJECT_FILE_INVALID', 'cloudctl.yaml:4:3: resources.One: differs from "one" only in case: rename one'],
  ],
  [
    'a resource that depends on itself',
    ['resources:', `  one: ${ai(', depends-on: [one]')}`],
    [],
    [2, 'PROJECT_FILE_INVALID', /cloudctl\.yaml:3:\d+: resources\.one\.depends-on\[0\]: .* itself/],
  ],
  [
    'a circle of dependencies',
    ['resources:', `  one: ${ai(', depends-on: [two]')}`, `  two: ${ai(', depends-on: [one]')}`],
    [],
    [2, 'DEPENDENCY_CYCLE', /cloudctl\.yaml:4:\d+: .*leads in a circle: one -> two -> one/],
  ],
  [
    'a circle between apps, though none between resources',
    [
      'resources:',
      `  one: ${ai(', app: a, depends-on: [two]')}`,
      `  two: ${ai(', app: b')}`,
      `  three: ${ai(', app: b, depends-on: [one]')}`,
    ],
    [],
    [2, 'DEPENDENCY_CYCLE', 'app "a" -> app "b" -> app "a"', 'take one of the dependencies out'],
  ],
];

test.each(CASES)('%s: refused by line and column', async (_, lines, flags, refusal) => {
  expectRefused(await plan(lines, ...flags), refusal);
});

test('anchors and merge keys work', async () => {
  const {code, data} = await plan([
    'resources:',
    '  one: &base',
    '    type: ai',
    '    handler: main.handler',
    '    memory: 512',
    '  two:',
    '    <<: *base',
    '    memory: 1024',
  ]);
  expect(code).toBe(0);
  const sizes = (data!['resources'] as {resource: string; facts: {label: string; value: string}[]}[]).map(
    ({resource, facts}) => [resource, facts.find(({label}) => label === 'Size')?.value],
  );
  expect(sizes).toEqual([
    ['one', expect.stringContaining('512 MiB')],
    ['two', expect.stringContaining('1024 MiB')],
  ]);
});
