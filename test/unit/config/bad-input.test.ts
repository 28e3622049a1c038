import {describe, expect, test} from '@jest/globals';
import {load, problemsOf, refusal, unmark, withFunction} from './project-text.js';

const HEAD = 'version: 1\nprovider: modal\n';
const ONE = `${HEAD}resources:\n  a: {type: ai}\n`;

/** Each text has a mark where the problem is to be told; several marks, several problems in the file's order. */
const CASES: readonly [name: string, text: string, ...messages: string[]][] = [
  ['an empty file', '»', 'the file is empty'],
  ['comments alone', '»# nothing here\n', 'the file is empty'],
  ['a list', '»- a\n', 'takes a mapping: it begins with "version: 1"'],
  ['no version', '»provider: modal\nresources: {}\n', 'version: is missing: begin the file with "version: 1"'],
  ['a version as text', 'version: »"1"\nresources: {}\n', 'takes the number 1'],
  ['a newer version', 'version: »2\nnew-things: {}\n', 'this cloudctl knows version 1; the file is newer'],
  ['tabs', `${HEAD}resources:\n»\ta: {type: ai}\n`, 'a tab: YAML indents with spaces only'],
  [
    'a key twice',
    `${HEAD}resources:\n  a:\n    type: ai\n    cpu: 1\n    »cpu: 2\n`,
    'resources.a.cpu: stands here twice; first in line 6',
  ],
  [
    'two resources with one name',
    `${ONE}  b: {type: storage}\n  »a: {type: storage}\n`,
    'resources.a: stands here twice; first in line 4',
  ],
  ['two resources with one name, quoted', `${ONE}  »"a": {type: storage}\n`, 'stands here twice'],
  ['a second document', `${ONE}»---\nversion: 1\n`, 'a second document'],
  ['an anchor that is not there', withFunction('env: »*common'), 'there is no anchor &common above'],
  ['an anchor that is below', withFunction('env: »*x', 'volume: &x [a:/b]'), 'there is no anchor &x above'],
  ['an anchor that contains itself', `${HEAD}resources: &r\n  a: »*r\n`, '*r contains itself'],
  ['a merge of a list', withFunction('<<: [»1, 2]'), '"<<" takes an alias of a mapping'],
  ['a tag of a program', withFunction('handler: !python/object »x'), 'the tag "!python/object" is not taken'],
  ['a key that is a number', withFunction('»1: x'), 'the key "1" is a number; as text it is "1", in quotes'],
  ['a key that is a mapping', withFunction('? »{a: b}', ': x'), 'a key that is no plain text'],
  [
    'an unclosed quote',
    withFunction('handler: »"main.handler'),
    'text that begins with a quote, and never ends with one',
  ],
  ['YAML 1.1', `»%YAML 1.1\n---\n${ONE}`, 'YAML 1.1, where "yes" and "on" are no text: leave the %YAML line out'],
  [
    'a wrong key at the top',
    `»${HEAD}»resource:\n  a: {type: ai}\n`,
    'resources: is missing',
    'unknown key. Did you mean "resources"?',
  ],
  ['a wrong key', withFunction('»hanlder: main.handler'), 'resources.a.hanlder: unknown key. Did you mean "handler"?'],
  [
    'a key like none',
    `${HEAD}resources:\n  a: {type: storage, »colour: red}\n`,
    'unknown key. Keys: type, provider, name',
  ],
  ['a key of an object', withFunction('»constructor: 1', '»__proto__: {x: 1}'), 'unknown key', 'unknown key'],
  ['code of a volume', `${HEAD}resources:\n  a: {type: storage, »source: code}\n`, 'a volume has no code'],
  ['no type', `${HEAD}resources:\n  »a: {cpu: 1}\n`, '"type" is missing: one of ai, storage'],
  [
    'a wrong type',
    `${HEAD}resources:\n  a: {type: »storag}\n`,
    '"storag" is not a resource type of Modal. Did you mean "storage"?',
  ],
  ['a type that is none', `${HEAD}resources:\n  a: {type: »[ai]}\n`, 'takes text: a resource type'],
  ['a resource that is text', `${HEAD}resources:\n  a: »ai\n`, 'resources.a: takes a mapping: {type: ...}'],
  ['a name that is none', `${HEAD}resources:\n  »"a b": {type: ai}\n`, '"a b" cannot be a name'],
  ['a number as text', withFunction('cpu: »"2"'), 'takes a number of at least 0.01: write it without quotes'],
  ['text for a number', withFunction('memory: »2GB'), 'takes a whole number of at least 1, not the text "2GB"'],
  ['a number too large', withFunction('timeout: »100000'), 'takes a whole number from 1 to 86400, not 100000'],
  ['a number that is no whole one', withFunction('memory: »1.5'), 'takes a whole number of at least 1, not 1.5'],
  ['infinity', withFunction('cpu: ».inf'), 'takes a number of at least 0.01'],
  ['a version number', withFunction('runtime: »3.10'), 'takes text; 3.10 is a number: write "3.10", in quotes'],
  [
    'a choice that is none',
    withFunction('url: »pubic'),
    'takes one of private, public, none, not "pubic". Did you mean "public"?',
  ],
  ['one value for a list', withFunction('volume: »models:/models'), 'takes a list, not text. Write [models:/models].'],
  ['a list for one value', withFunction('handler: »[main.handler]'), 'takes text, not a list'],
  ['pairs without a sign', withFunction('env: [A=1, »B]'), 'env[1]: takes KEY=VALUE'],
  ['a name with a sign', withFunction('env: {»"A=B": c}'), '"A=B" is no name'],
  ['nothing for a value', withFunction('handler: »'), 'resources.a.handler: has no value'],
  [
    'a provider that is not there',
    `version: 1\nprovider: »aws\nresources: {}\n`,
    'the provider "aws" is not installed',
  ],
  ['no provider', `»version: 1\nresources: {}\n`, 'provider: is missing'],
  [
    'a target that is none',
    `${HEAD}target: »clod\nresources: {}\n`,
    'takes a target of Modal, cloud or local. Did you mean "cloud"?',
  ],
  [
    'a dependency on nothing',
    `${ONE}  bee: {type: ai, depends-on: [»be]}\n`,
    'there is no resource "be". Resources: a.',
  ],
  ['a dependency on itself', `${HEAD}resources:\n  a: {type: ai, depends-on: [»a]}\n`, 'cannot depend on itself'],
  [
    'a circle of dependencies',
    `${HEAD}resources:\n  a: {type: ai, depends-on: [b]}\n  b: {type: ai, depends-on: [c]}\n  c:\n    type: ai\n    depends-on: [d, »a]\n  d: {type: ai}\n`,
    'resources.c.depends-on[1]: leads in a circle: a -> b -> c -> a',
  ],
  ['a source that is not there', withFunction('source: »cod'), 'there is no directory "cod" beside the file'],
  ['a source that is a file', withFunction('source: »cloudctl.yaml'), '"cloudctl.yaml" is not a directory'],
  ['defaults of no type', `${ONE}defaults:\n  »aii: {cpu: 1}\n`, 'there is no such resource type. Did you mean "ai"?'],
  ['a name as a default', `${ONE}defaults:\n  ai: {»name: x}\n`, 'each resource has its own'],
  [
    'an environment with a wrong key',
    `${ONE}environments:\n  s: {»default: {}}\n`,
    'unknown key. Did you mean "defaults"?',
  ],
  [
    'an environment with a wrong value',
    `${ONE}environments:\n  s: {resources: {a: {cpu: »many}}}\n`,
    'environments.s.resources.a.cpu: takes a number',
  ],
  [
    'an environment that leaves nothing out',
    `${ONE}environments:\n  s:\n    resources:\n      »b: null\n`,
    'there is no such resource to leave out. Did you mean "a"?',
  ],
  [
    'another type in an environment',
    `${ONE}environments:\n  s: {resources: {a: {type: »storage}}}\n`,
    'the type stays the same in every environment',
  ],
  [
    'several at once',
    withFunction('»cpuu: 1', 'memory: »x'),
    'unknown key. Did you mean "cpu"?',
    'takes a whole number',
  ],
];

describe('what is wrong is told with its place', () => {
  test.each(CASES)('%s', async (_name, marked, ...messages) => {
    const {text, places} = unmark(marked);
    const error = await refusal(text);
    const problems = problemsOf(error);
    expect(problems.map(({line, column}) => `${line}:${column}`)).toEqual(places);
    const lines = error.message.split('\n');
    expect(lines).toHaveLength(messages.length);
    for (const [i, message] of messages.entries()) {
      expect(lines[i]).toContain(message);
      expect(lines[i]).toMatch(new RegExp(`^cloudctl\\.yaml:${places[i]}: `));
    }
  });

  test('Windows line ends and a byte order mark do not shift it', async () => {
    const {text, places} = unmark(withFunction('memory: 5', '»hanlder: x'));
    const error = await refusal(`\uFEFF${text.replaceAll('\n', '\r\n')}`);
    expect(problemsOf(error).map(({line, column}) => `${line}:${column}`)).toEqual(places);
  });

  test('what is not UTF-8 is told where it stands', async () => {
    const text = Buffer.concat([Buffer.from(`${ONE}    # caf`), Buffer.from([0xe9]), Buffer.from('\n')]);
    const [problem] = problemsOf(await refusal(text));
    expect(problem).toMatchObject({line: 5, column: 10, message: expect.stringContaining('not UTF-8')});
  });
});

describe('an environment', () => {
  const text = `${ONE}environments:\n  staging: {}\n  production:\n`;

  test('that is unknown: the nearest, and where they stand', async () => {
    const error = await refusal(text, {environment: 'stagign'});
    expect(error).toMatchObject({
      code: 'UNKNOWN_ENVIRONMENT',
      exitCode: 2,
      hints: ['Environments: staging, production'],
    });
    expect(error.message).toBe(
      'cloudctl.yaml:5:1: environments: there is no environment "stagign". Did you mean "staging"?',
    );
  });

  test('where the file has none', async () => {
    const error = await refusal(ONE, {environment: 'staging'});
    expect(error.message).toContain('there is no environment "staging". The file has none.');
  });

  test('is broken only for whom it concerns: what it takes away, and dependencies on that', async () => {
    const broken = `${ONE}  b: {type: ai, depends-on: [a]}\nenvironments:\n  s: {resources: {a: null}}\n`;
    await load(broken);
    expect((await refusal(broken, {environment: 's'})).message).toContain('"a" is left out in the environment "s"');
  });
});

test('exit code and code are those of the first problem; hints come from all', async () => {
  const error = await refusal(`version: 1\nprovider: modal\nresources:\n  a: {type: ai, source: x}\n  b: {type: c}\n`);
  expect(error).toMatchObject({code: 'SOURCE_NOT_FOUND', exitCode: 3});
});

test('many problems: twenty are told, two hundred are kept', async () => {
  const lines = Array.from({length: 500}, (_, i) => `wrong${i}: 1`);
  const error = await refusal(withFunction(...lines));
  expect(problemsOf(error)).toHaveLength(200);
  expect(error.message.split('\n')).toHaveLength(21);
  expect(error.message).toContain('... and 480 more');
});

describe('what would bring other programs down', () => {
  test.each([
    ['nesting', `${HEAD}resources: ${'['.repeat(50_000)}`, 'nested more than 64 levels deep'],
    ['nesting of blocks', `${HEAD}resources:\n  ${'- '.repeat(5000)}a\n`, 'nested more than 64 levels deep'],
    [
      'a billion laughs',
      `${HEAD}resources:\n  a: &a0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from(
        {length: 12},
        (_, i) => `  b${i}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]\n`,
      ).join('')}`,
      'more than 100000 values',
    ],
    ['a file that is too large', `${HEAD}#${'x'.repeat(1024 * 1024)}\n`, 'larger than 1 MB'],
    [
      'more resources than anybody has',
      `${HEAD}resources:\n${Array.from({length: 5000}, (_, i) => `  r${i}: {type: ai, depends-on: [q${i}]}\n`).join('')}`,
      '5000 resources, and a file takes 1000',
    ],
    [
      'dependencies on nothing, by the thousand',
      `${HEAD}resources:\n${Array.from({length: 300}, (_, i) => `  r${i}: {type: ai, depends-on: [${Array.from({length: 50}, (__, j) => `name-${i}-${j}`).join(', ')}]}\n`).join('')}`,
      'there is no resource "name-0-0"',
    ],
  ])('%s', async (_name, text, message) => {
    expect((await refusal(text)).message).toContain(message);
  });
});
