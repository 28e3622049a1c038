// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own variables are the matter here
import {describe, expect, test} from '@jest/globals';
import {load, problemsOf, refusal, unmark, withFunction} from './project-text.js';

const optionsOf = async (line: string, variables: Record<string, string>): Promise<object> =>
  (await load(withFunction(line), {variables})).resources[0]!.options;

describe('variables', () => {
  test.each([
    ['handler: ${H}', {H: 'main.run'}, {handler: 'main.run'}],
    ['handler: main.${F:-run}', {}, {handler: 'main.run'}],
    ['handler: main.${F:-run}', {F: ''}, {handler: 'main.run'}],
    ['handler: main.${F:-run}', {F: 'go'}, {handler: 'main.go'}],
    ['handler: ${A}.${B}', {A: 'a', B: 'b'}, {handler: 'a.b'}],
    ['cpu: ${CPU}', {CPU: '1.5'}, {cpu: 1.5}],
    ['memory: "${MEMORY:-512}"', {}, {memory: 512}],
    ['url: ${URL}', {URL: 'public'}, {url: 'public'}],
    ['volume: ["${V}:/v"]', {V: 'data'}, {volume: ['data:/v']}],
    ['env: {A: "${A}", B: "x${A}y"}', {A: '1'}, {env: ['A=1', 'B=x1y']}],
    ['env: {A: "$${A}", B: "$$${A}", C: "$A", D: "100%$"}', {A: '1'}, {env: ['A=${A}', 'B=$${A}', 'C=$A', 'D=100%$']}],
    ['env: {A: "${A}"}', {A: '${B} $& $1'}, {env: ['A=${B} $& $1']}],
  ])('%s with %j', async (line, variables, options) => {
    expect(await optionsOf(line, variables)).toEqual(options);
  });

  test.each([
    ['cpu: »${CPU}', {}, 'the environment variable CPU is not set', 'VARIABLE_NOT_SET'],
    ['env: {A: »"${A}${B}"}', {A: '1'}, 'the environment variable B is not set', 'VARIABLE_NOT_SET'],
    ['env: {A: »"${constructor}"}', {}, 'the environment variable constructor is not set', 'VARIABLE_NOT_SET'],
    ['handler: »${1}', {}, 'begins no variable', 'PROJECT_FILE_INVALID'],
    ['handler: »"${A"', {A: 'x'}, 'begins no variable', 'PROJECT_FILE_INVALID'],
    ['handler: »${A:-${B}}', {A: 'x'}, 'a default cannot have variables of its own', 'PROJECT_FILE_INVALID'],
    [
      'cpu: »${CPU}',
      {CPU: 'planted-value'},
      'takes a number of at least 0.01, which the variables do not give',
      'PROJECT_FILE_INVALID',
    ],
    ['url: »${URL}', {URL: 'planted-value'}, 'takes one of private, public, none', 'PROJECT_FILE_INVALID'],
    ['source: »${DIR}', {DIR: 'planted-value'}, 'there is no directory "${DIR}"', 'SOURCE_NOT_FOUND'],
    ['name: »${N}', {N: ' '}, 'is empty', 'PROJECT_FILE_INVALID'],
    ['env: [»"${P}"]', {P: 'planted-value'}, 'takes KEY=VALUE', 'PROJECT_FILE_INVALID'],
  ])('%s with %j is refused', async (line, variables, message, code) => {
    const {text, places} = unmark(withFunction(line));
    const error = await refusal(text, {variables});
    expect(problemsOf(error).map(({line, column}) => `${line}:${column}`)).toEqual(places);
    expect(error).toMatchObject({code, message: expect.stringContaining(message)});
    expect(JSON.stringify([error.message, error.hints, error.data])).not.toContain('planted-value');
  });

  test('of an environment that was not chosen need not be set, and must still be well formed', async () => {
    const text = `${withFunction()}environments:\n  s: {resources: {a: {cpu: "\${CPU}"}}}\n`;
    await load(text);
    expect((await refusal(text, {environment: 's'})).code).toBe('VARIABLE_NOT_SET');
    expect((await refusal(text.replace('${CPU}', '${C PU}'))).message).toContain('begins no variable');
  });

  test('an unset one says how to go on', async () => {
    const {hints} = await refusal(withFunction('cpu: ${CPU}'));
    expect(hints).toEqual(['Set it: export CPU=...', 'Or give a default in the file: ${CPU:-value}']);
  });
});

// Put together here, so that no scanner takes this file for one with secrets.
const PLANTED = [
  ['Modal token id', `ak-${'Q7w8E9r0T1y2U3i4O5p6A7'}`],
  ['Modal token secret', `as-${'Z1x2C3v4B5n6M7a8S9d0F1'}`],
  ['AWS access key', `AKIA${'IOSFODNN7EXAMPLE'}`],
  ['GitHub token', `ghp_${'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'}`],
  ['Hugging Face token', `hf_${'aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH'}`],
  ['secret API key', `sk-proj-${'a1B2c3D4e5F6g7H8i9J0k1L2'}`],
  ['private key', `-----BEGIN ${'RSA PRIVATE KEY'}-----`],
] as const;

describe('credentials do not belong in the file', () => {
  const said = async (text: string, variables = {}): Promise<string> => {
    const error = await refusal(text, {variables});
    expect(error).toMatchObject({code: 'CREDENTIAL_IN_PROJECT_FILE', exitCode: 2});
    return JSON.stringify([error.message, error.hints, error.data]);
  };

  test.each(PLANTED)('a %s: wherever it stands, and it is never repeated', async (title, secret) => {
    const base = withFunction();
    for (const text of [
      withFunction(`env: {KEY: "${secret}"}`),
      withFunction(`handler: "${secret}"`),
      withFunction(`"${secret}": 1`),
      withFunction(`env: ["${secret}"]`),
      withFunction(`env: {KEY: "x`, `  ${secret}`),
      `${base}# ${secret}\n`,
      `${base}"${secret}": {\n`,
      `${base}environments: {other: {target: "${secret}"}}\n`,
      `{"version": 1, "provider": "modal", "resources": {"a": {"type": "ai", "env": {"K": "${secret}"}}}}`,
    ]) {
      const words = await said(text);
      expect(words).toContain(`this looks like a ${title}`);
      expect(words).not.toContain(secret.slice(4));
    }
  });

  test.each(PLANTED)('a %s that comes of a variable', async (title, secret) => {
    const words = await said(withFunction('env: {KEY: "x ${V}"}'), {V: secret});
    expect(words).toContain(`this looks like a ${title}`);
    expect(words).not.toContain(secret.slice(4));
  });

  test('its place is exact', async () => {
    const secret = PLANTED[0][1];
    const [problem] = problemsOf(await refusal(withFunction('cpu: 1', `env: {KEY: "${secret}"}`)));
    expect(problem).toMatchObject({line: 7, column: 17});
  });

  test("the variables of a provider's credentials, set or not", async () => {
    const words = await said(withFunction('env: {KEY: "${MODAL_TOKEN_SECRET:-}"}'), {MODAL_TOKEN_SECRET: 'planted'});
    expect(words).toContain('MODAL_TOKEN_SECRET is the Modal token secret');
    expect(words).toContain('cloudctl secrets modal token_secret');
    expect(words).not.toContain('planted');
  });

  test.each([
    'as-long-as-it-takes-to-finish',
    'ak-kenya-nairobi-office',
    'sk-slovak-translations',
    'task-0123456789abcdef',
  ])('%s is a name', async name => {
    expect(await optionsOf(`env: {NAME: ${name}}`, {})).toEqual({env: [`NAME=${name}`]});
  });
});
