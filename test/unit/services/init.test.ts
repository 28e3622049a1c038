// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own variables are the matter here
import {cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import type {ProviderDefinition} from '@cloudctl/provider-sdk';
import {afterAll, afterEach, describe, expect, test} from '@jest/globals';
import provider from '../../../plugins/modal/src/provider.js';
import {loadProject, type Project} from '../../../src/config/project.js';
import {EnvironmentSource} from '../../../src/credentials/environment.js';
import {type InitInput, type InitResult, initProject} from '../../../src/services/init.js';
import {initText} from '../../../src/services/init-text.js';
import {type Host, openSession, type Session} from '../../../src/services/session.js';

const modal = provider as unknown as ProviderDefinition;
const python = process.env['CLOUDCTL_TEST_PYTHON'] ?? resolve('.dev/venv/bin/python');
const root = mkdtempSync(join(tmpdir(), 'cloudctl init '));
afterAll(() => rmSync(root, {recursive: true, force: true}));

const open: Session[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({implementation}) => implementation.dispose()));
});

let count = 0;
function project(files: Record<string, string>, name = 'my project'): string {
  const directory = join(root, String(count++), name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(directory, file, '..'), {recursive: true});
    writeFileSync(join(directory, file), text);
  }
  return directory;
}

/** `cloudctl init` with the Modal plugin and its real Python child. */
async function init(
  workingDirectory: string,
  input: Partial<InitInput> = {},
  definition = modal,
): Promise<InitResult & {warnings: string[]}> {
  const warnings: string[] = [];
  const environment = {...process.env, CLOUDCTL_MODAL_PYTHON: python};
  const host: Host = {
    ...{version: '0.1.0', workingDirectory, environment, keyringHelper: ''},
    ...{cacheDir: join(root, 'cache'), configDir: join(root, 'config'), dataDir: join(root, 'data')},
    variables: new EnvironmentSource({}),
    signal: new AbortController().signal,
    confirm: undefined,
    report: () => undefined,
    note: () => undefined,
    warn: message => warnings.push(message),
    debug: () => undefined,
  };
  const session = await openSession(host, definition, {operation: 'observe', connected: false, target: input.target});
  open.push(session);
  return {...(await initProject(session, {force: false, dryRun: false, ...input})), warnings};
}

const read = (directory: string, environment?: string): Promise<Project> =>
  loadProject(join(directory, 'cloudctl.yaml'), {environment, variables: {}, providers: () => modal});

/** The file with every example taken out of its comment. */
function uncommented(text: string): string {
  return text.replace(/^( *)# ((?: {2})*["A-Za-z][\w."-]*:(?: .*)?)$/gm, '$1$2');
}

async function readUncommented(directory: string, environment?: string): Promise<Project> {
  const file = join(directory, 'cloudctl.yaml');
  writeFileSync(file, uncommented(readFileSync(file, 'utf8')));
  return read(directory, environment);
}

const widest = (text: string): number => Math.max(...text.split('\n').map(line => line.length));

describe('the projects of the acceptance tests', () => {
  test.each([
    ['forecast', 'uv.lock', {requirements: 'uv.lock'}],
    ['scripts', 'requirements.txt', {requirements: 'requirements.txt'}],
    ['shop', undefined, {}],
  ])('%s', async (name, requirements, options) => {
    const directory = join(root, String(count++), name);
    cpSync(resolve('test/fixtures/projects', name), directory, {recursive: true});
    rmSync(join(directory, 'cloudctl.yaml'));
    const result = await init(directory);
    expect(result).toMatchObject({file: 'cloudctl.yaml', written: true, warnings: []});
    expect(result.resources.length).toBeGreaterThan(0);
    expect(result.facts.find(({label}) => label === 'Requirements')?.value).toBe(requirements);
    const {resources} = await read(directory);
    const [first] = result.resources;
    expect(resources).toMatchObject([{resource: first!.resource, type: 'ai'}]);
    expect(resources[0]!.options).toMatchObject({app: name, handler: first!.handler, ...options});
    expect(widest(result.text)).toBeLessThanOrEqual(80);
    const everything = await readUncommented(directory, 'staging');
    expect(everything.resources.map(({resource}) => resource)).toEqual([
      ...result.resources.map(({resource}) => resource),
      'models',
    ]);
    expect(everything.resources[0]!.options).toMatchObject({app: `${name}-staging`, volume: ['models:/models']});
  });
});

describe('a project', () => {
  test('its own words: function, docstring, Python, optional groups', async () => {
    const directory = project(
      {
        'main.py': 'def handler(x):\n    """Draws an image."""\n\ndef helper(y):\n    pass\n',
        'pyproject.toml':
          '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.12"\ndependencies = ["six"]\n[project.optional-dependencies]\nplot = ["six"]\n',
      },
      'image generator',
    );
    const {text, resources} = await init(directory, {app: 'pictures', target: 'local', profile: 'work'});
    expect(resources[0]).toEqual({
      resource: 'image-generator',
      type: 'ai',
      handler: 'main.handler',
      kind: 'sync',
      summary: 'Draws an image.',
      active: true,
    });
    expect(resources.slice(1).every(({active}) => !active)).toBe(true);
    expect(text).toContain('  # Draws an image.\n  image-generator:\n');
    expect(text).toContain('    # extra: [plot]\n');
    expect(await read(directory)).toMatchObject({target: 'local', profile: 'work'});
    expect((await read(directory)).resources[0]!.options).toEqual({
      app: 'pictures',
      runtime: 'python312',
      requirements: 'pyproject.toml',
      handler: 'main.handler',
    });
  });

  test('two functions of one name get names of their own', async () => {
    const directory = project({'a.py': 'def predict(x): ...\n', 'b.py': 'def predict(x): ...\n'});
    const {resources} = await init(directory);
    expect(resources.map(({resource}) => resource)).toEqual(['predict', 'b_predict']);
  });

  test('no function: a file with an example, that loads and says so', async () => {
    const directory = project({'notes.txt': 'nothing'});
    const {resources, text} = await init(directory);
    expect(resources).toEqual([]);
    expect(text).toContain('No function was found.');
    expect((await read(directory)).resources).toEqual([]);
    const [first] = (await readUncommented(directory)).resources;
    expect(first).toMatchObject({type: 'ai', options: {handler: 'main.handler'}});
  });

  test('an empty folder', async () => {
    const directory = project({});
    mkdirSync(directory, {recursive: true});
    expect((await init(directory)).resources).toEqual([]);
  });

  test('what would stop a deploy is a warning', async () => {
    const directory = project({
      'pkg/main.py': 'def handler(): ...\n',
      'pkg/__init__.py': '',
      '.env': 'KEY=planted',
      '.venv/x/main.py': 'def run(): ...\n',
    });
    const {resources, warnings} = await init(directory);
    expect(resources.map(({handler}) => handler)).toEqual(['pkg.main.handler']);
    expect(warnings).toEqual([expect.stringMatching(/^A deploy would stop here: .*\.env.*cloudctlignore/s)]);
  });
});

describe('the file', () => {
  const directory = project({'main.py': 'def handler(): ...\n'}, 'app');

  test('is not overwritten without --force', async () => {
    writeFileSync(join(directory, 'cloudctl.yaml'), 'mine');
    await expect(init(directory)).rejects.toMatchObject({
      code: 'FILE_EXISTS',
      exitCode: 2,
      hints: expect.arrayContaining(['Put it in its place: cloudctl init --force']),
    });
    expect(readFileSync(join(directory, 'cloudctl.yaml'), 'utf8')).toBe('mine');
    await init(directory, {force: true});
    expect((await read(directory)).resources).toHaveLength(1);
  });

  test('is only shown with --dry-run, whether it is there or not', async () => {
    const before = readFileSync(join(directory, 'cloudctl.yaml'), 'utf8');
    const result = await init(directory, {dryRun: true, app: 'other'});
    expect(result.written).toBe(false);
    expect(result.text).toContain('app: other\n');
    expect(readFileSync(join(directory, 'cloudctl.yaml'), 'utf8')).toBe(before);
  });

  test('may have another name and place; its folder is the project', async () => {
    const {file, resources} = await init(resolve(directory, '..'), {file: 'app/other.yaml'});
    expect([file, resources[0]!.handler]).toEqual(['app/other.yaml', 'main.handler']);
    expect(existsSync(join(directory, 'other.yaml'))).toBe(true);
  });

  test('needs a folder', async () => {
    await expect(init(directory, {file: 'no/cloudctl.yaml'})).rejects.toMatchObject({exitCode: 3});
  });

  test('stands beside no cloudctl.yml', async () => {
    const other = project({'cloudctl.yml': 'x'});
    await expect(init(other)).rejects.toMatchObject({code: 'FILE_EXISTS', exitCode: 2});
  });

  test('has no app that the provider refuses', async () => {
    await expect(init(directory, {force: true, app: 'no good'})).rejects.toMatchObject({code: 'BAD_NAME', exitCode: 2});
  });
});

test('a provider that cannot look at projects gets examples', async () => {
  const blind = {
    ...modal,
    load: async () => {
      const {discover: _, ...implementation} = await modal.load();
      return implementation;
    },
  };
  const directory = project({'main.py': 'def handler(): ...\n'});
  const {resources, warnings} = await init(directory, {}, blind);
  expect(resources).toEqual([]);
  expect(warnings).toEqual(['Modal cannot look for functions: the file has examples only.']);
  expect((await read(directory)).resources).toEqual([]);
});

test('odd names and words are written so that they are read as they were', async () => {
  const directory = project({});
  mkdirSync(directory, {recursive: true});
  const names = ['null', '123', 'on', 'y', '1e3', 'a.b', 'A-'];
  const resources = names.map((resource, i) => ({
    ...{resource, type: 'ai', handler: `a.f${i}`, kind: 'sync', active: i === 0},
    summary: `Says "${'very '.repeat(40)}" - : # { [\n\u2028\u0007key: value`,
  }));
  const options = {app: '007', requirements: 'a ${B} # c.txt', image: 'true'};
  const text = initText({definition: modal, type: 'ai', resources, options, choices: {extra: ['no', 'a,b']}});
  writeFileSync(join(directory, 'cloudctl.yaml'), uncommented(text));
  const loaded = await read(directory);
  expect(loaded.resources.map(({resource}) => resource)).toEqual([...names, 'models']);
  expect(loaded.resources[0]!.options).toMatchObject({...options, extra: ['no', 'a,b']});
  expect(widest(text)).toBeLessThanOrEqual(80);
});
