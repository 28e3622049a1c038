// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own variables are the matter here
import {readFileSync} from 'node:fs';
import {isCloudError} from '@cloudctl/provider-sdk';
import {expect, test} from '@jest/globals';
import {load, problemsOf} from './project-text.js';

const RUNS = Number(process.env['CLOUDCTL_FUZZ_RUNS'] ?? 1500);
const SEED = Number(process.env['CLOUDCTL_FUZZ_SEED'] ?? 20_260_401);

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What people, and programs, put into such files by mistake. */
const PIECES = [
  ...[
    '\t',
    '\n',
    '  ',
    ' ',
    ':',
    ': ',
    '- ',
    '- a',
    '#',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
    '|',
    '>',
    '|2',
    '?',
    '? ',
    '%',
    '@',
    '`',
  ],
  ...[
    '&a ',
    '*a',
    '&a',
    '<<: *a',
    '<<: [*a, *a]',
    '!!str ',
    '!x ',
    '!!binary ',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '~',
    'null',
    'true',
    '.nan',
  ],
  ...[
    '${X}',
    '${',
    '$${',
    '${X:-',
    '${__proto__}',
    '0',
    '-1',
    '1e999',
    '0x1F',
    '9007199254740993',
    '2024-01-01',
    '\r',
    '\u0000',
    '\uFEFF',
    '\u2028',
    '\u00e4',
    '\u{1f600}',
    '\ud800',
  ],
  ...[
    '__proto__: 1',
    'constructor: {a: b}',
    'toString',
    'hasOwnProperty: []',
    'type: storage',
    'type: ai',
    'provider: modal',
    'provider: x',
    'source: ..',
  ],
  ...[
    'resources:',
    'environments:',
    'defaults:',
    'version: 2',
    'depends-on: [quote]',
    'env: {A: null}',
    'env: [A]',
    'volume: {a: b}',
    'cpu: {}',
    'name: []',
  ],
];

const SEEDS = ['forecast', 'scripts', 'shop'].map(name =>
  readFileSync(`test/fixtures/projects/${name}/cloudctl.yaml`, 'utf8'),
);

function mutate(text: string, random: () => number): string {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const at = Math.floor(random() * (text.length + 1));
  const lines = text.split('\n');
  const line = Math.floor(random() * lines.length);
  switch (Math.floor(random() * 8)) {
    case 0:
      return text.slice(0, at) + pick(PIECES) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + Math.ceil(random() * 8));
    case 2:
      return lines.toSpliced(line, 1).join('\n');
    case 3:
      return lines.toSpliced(line, 0, pick(lines)).join('\n');
    case 4:
      return lines.toSpliced(line, 1, `${' '.repeat(Math.floor(random() * 8))}${lines[line]!.trimStart()}`).join('\n');
    case 5:
      return lines.toSpliced(line, 1, `${lines[line]!.replace(/:.*$/, ':')} ${pick(PIECES)}`).join('\n');
    case 6:
      return text.slice(0, at);
    default:
      return lines.toSpliced(line, 0, `${/^ */.exec(lines[line]!)![0]}${pick(PIECES)}`).join('\n');
  }
}

test('whatever is done to a file: it loads, or says what is wrong and where', async () => {
  const random = randomFrom(SEED);
  let [loaded, refused] = [0, 0];
  for (let run = 0; run < RUNS; run++) {
    let text = SEEDS[run % SEEDS.length]!;
    for (let change = Math.ceil(random() * 4); change > 0; change--) text = mutate(text, random);
    const environment = random() < 0.3 ? 'staging' : undefined;
    try {
      const {resources} = await load(text, {environment, variables: {X: '7'}});
      expect(resources.every(({resource, type}) => resource !== '' && ['ai', 'storage'].includes(type))).toBe(true);
      loaded++;
    } catch (error) {
      const told = `run ${run} of seed ${SEED}:\n${text}\n${(error as Error).stack}`;
      if (!isCloudError(error)) throw new Error(`No CloudError in ${told}`);
      const lines = text.replace(/^\uFEFF/, '').split('\n');
      const problems = problemsOf(error);
      // A place beyond the last character is where the text ends too early.
      const wrong = problems.filter(
        ({line, column}) =>
          !(line >= 1 && column >= 1 && line <= lines.length && column <= lines[line - 1]!.length + 1),
      );
      if (problems.length === 0 || wrong.length > 0) throw new Error(`No place ${JSON.stringify(wrong)} in ${told}`);
      if (!error.message.startsWith('cloudctl.yaml:') || ![2, 3].includes(error.exitCode)) throw new Error(told);
      refused++;
    }
  }
  // Both happen often enough for the test to mean something.
  expect(loaded).toBeGreaterThan(RUNS / 20);
  expect(refused).toBeGreaterThan(RUNS / 3);
});
