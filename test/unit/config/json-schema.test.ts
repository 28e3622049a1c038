// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own variables are the matter here
import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {describe, expect, test} from '@jest/globals';
import {Ajv} from 'ajv';
import {parse} from 'yaml';
import {projectSchema} from '../../../src/config/json-schema.js';
import {load, modal, refusal, withFunction} from './project-text.js';

const FILE = 'docs/cloudctl.schema.json';
const published = JSON.parse(readFileSync(FILE, 'utf8')) as object;
const validate = new Ajv({strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false}).compile(
  published,
);

/** As an editor does it: YAML with merge keys, then the schema. */
const accepts = (text: string): boolean => validate(parse(text, {merge: true}));

test('the published schema is what the providers say now: node scripts/project-schema.mjs', () => {
  expect(published).toEqual(JSON.parse(JSON.stringify(projectSchema([modal]))));
  const script = `import {projectSchemaText} from './scripts/project-schema.mjs'; process.stdout.write(await projectSchemaText());`;
  const wanted = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: {...process.env, NODE_OPTIONS: ''},
  });
  expect(readFileSync(FILE, 'utf8')).toBe(wanted);
});

test('it is part of the npm package', () => {
  const {files} = JSON.parse(readFileSync('package.json', 'utf8')) as {files: string[]};
  expect(files).toContain(FILE);
});

test.each(['forecast', 'scripts', 'shop'])('the project %s is valid', name => {
  const text = readFileSync(`test/fixtures/projects/${name}/cloudctl.yaml`, 'utf8');
  expect([accepts(text), validate.errors]).toEqual([true, null]);
});

const HEAD = 'version: 1\nprovider: modal\n';
const ONE = `${HEAD}resources:\n  a: {type: ai}\n`;
const overlay = (text: string): string => `${ONE}environments:\n  s: ${text}\n`;

const GOOD = [
  ONE,
  'version: 1\nprovider: modal\nresources:\n',
  `${HEAD}resources: {}\ndefaults:\nenvironments:\n`,
  withFunction('cpu: ${CPU:-2}', 'memory: 512', 'url: ${URL:-public}', 'timeout: 86400'),
  withFunction('env: {A: 1, B: true, C: "x", D: null}').replace(
    'resources:',
    'defaults: {ai: {env: {D: 1}}}\nresources:',
  ),
  withFunction('env: [A=1, "B=", "${PAIR:-C=1}"]', 'volume: [a:/b]', 'secret: []'),
  withFunction('depends-on: [b]', 'name: other', 'source: code').concat('  b: {type: storage, size: 0.5}\n'),
  `${HEAD}defaults: {ai: {cpu: 1}}\nresources: {a: {type: ai, cpu: null}}\n`,
  `${HEAD}target: local\nenvironment: main\nprofile: work\nresources: {}\n`,
  overlay('{}'),
  overlay('{resources: {a: {cpu: 2, env: {A: b}}, b: {type: storage, size: 5}}, defaults: {ai: {memory: 5}}}'),
  overlay('{target: local, resources: {a: null}}'),
  `${HEAD}resources:\n  a: &x {type: ai, cpu: 1}\n  b: {<<: *x, cpu: 2}\n`,
];

const BAD = [
  '[]',
  'version: 1\nprovider: modal\n',
  'provider: modal\nresources: {}\n',
  'version: 2\nresources: {}\n',
  'version: "1"\nresources: {}\n',
  `${ONE}resource: {}\n`,
  `${ONE}target: clod\n`,
  `${ONE}profile: ""\n`,
  `${HEAD}resources: [a]\n`,
  `${HEAD}resources: {a: null}\n`,
  `${HEAD}resources: {a: {}}\n`,
  `${HEAD}resources: {a: {type: aii}}\n`,
  `${HEAD}resources: {"a b": {type: ai}}\n`,
  `${HEAD}resources: {a: {type: storage, source: x}}\n`,
  `${HEAD}resources: {a: {type: storage, cpu: 1}}\n`,
  withFunction('hanlder: main.handler'),
  withFunction('cpu: "2"'),
  withFunction('cpu: 0'),
  withFunction('memory: 1.5'),
  withFunction('timeout: 86401'),
  withFunction('url: pubic'),
  withFunction('runtime: 3.11'),
  withFunction('volume: a:/b'),
  withFunction('volume: [1]'),
  withFunction('env: [A]'),
  withFunction('env: {A: [1]}'),
  withFunction('env: {"A=B": 1}'),
  withFunction('depends-on: b'),
  withFunction('name: ""'),
  `${ONE}defaults: {ai: {name: x}}\n`,
  `${ONE}defaults: {ai: {cpu: null}}\n`,
  `${ONE}defaults: {a: {cpu: 1}}\n`,
  overlay('{default: {}}'),
  overlay('[]'),
  overlay('{target: clod}'),
  overlay('{resources: {a: {cpu: many}}}'),
  overlay('{resources: {a: {cpuu: 1}}}'),
  overlay('{defaults: {ai: {cpuu: 1}}}'),
];

/** What only the whole file, its text, the disk or the environment tells. */
const BEYOND = [
  `${ONE}  a: {type: ai}\n`,
  withFunction('depends-on: [b]'),
  withFunction('source: nowhere'),
  withFunction('handler: ${UNSET}'),
  withFunction('handler: "${1}"'),
  withFunction('cpu: null'),
  overlay('{resources: {b: null}}'),
  overlay('{resources: {b: {cpu: 1}}}'),
  `version: 1\nprovider: aws\nresources: {}\n`,
];

describe('the schema and the program agree', () => {
  test.each(GOOD)('good: %j', async text => {
    expect([accepts(text), validate.errors]).toEqual([true, null]);
    await load(text);
  });

  test.each(BAD)('bad: %j', async text => {
    expect(accepts(text)).toBe(false);
    await refusal(text);
  });

  test.each(BEYOND)('beyond a schema: %j', async text => {
    if (!text.includes('a: {type: ai}\n  a:')) expect(accepts(text)).toBe(true);
    await refusal(text);
  });
});

test('it knows every flag of every type, with its summary', () => {
  const text = readFileSync(FILE, 'utf8');
  for (const {flags} of Object.values(modal.resources))
    for (const [name, {summary}] of Object.entries(flags)) {
      expect(text).toContain(`"${name}": {`);
      expect(text).toContain(JSON.stringify(summary).slice(1, -1));
    }
});

test('with several providers, a file has to name its own to be looked at closely', () => {
  const other = {...modal, name: 'other', resources: {box: {...modal.resources['storage']!, flags: {}}}};
  const both = new Ajv({strictTypes: false, allowUnionTypes: true}).compile(projectSchema([modal, other]));
  const file = (provider: string, type: string): object => ({version: 1, provider, resources: {a: {type, size: 1}}});
  expect(both(file('modal', 'storage'))).toBe(true);
  expect(both(file('other', 'storage'))).toBe(false);
  expect(both(file('other', 'box'))).toBe(false);
  expect(
    both({version: 1, provider: 'other', resources: {a: {type: 'box'}, b: {type: 'x', provider: 'third', y: 1}}}),
  ).toBe(true);
  expect(both({version: 1, resources: {a: {type: 'anything'}}})).toBe(true);
});
