import {readFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {describe, expect, test} from '@jest/globals';
import {loadProject, type Project} from '../../../src/config/project.js';
import {directory, load, modal, withFunction} from './project-text.js';

const fixture = (name: string, environment?: string): Promise<Project> =>
  loadProject(resolve(`test/fixtures/projects/${name}/cloudctl.yaml`), {
    environment,
    variables: {},
    providers: name => (name === 'modal' ? modal : undefined),
  });

const options = (project: Project, name: string): object =>
  project.resources.find(({resource}) => resource === name)!.options;

describe('the projects of the acceptance tests', () => {
  test.each(['forecast', 'scripts', 'shop'])('%s loads', async name => {
    const project = await fixture(name);
    expect(project).toMatchObject({
      provider: 'modal',
      target: 'local',
      directory: resolve('test/fixtures/projects', name),
    });
    expect(project.resources.every(({source}) => source === project.directory)).toBe(true);
  });

  test('shop as it stands', async () => {
    const shop = await fixture('shop');
    expect(shop.overlays).toEqual(['staging', 'production']);
    expect(shop.overlay).toBeUndefined();
    expect(shop.resources.map(({type, resource, position}) => [type, resource, position.line])).toEqual([
      ['storage', 'catalog', 12],
      ['ai', 'quote', 17],
      ['ai', 'health', 25],
      ['ai', 'nightly', 30],
    ]);
    expect(shop.resources[0]).toMatchObject({name: 'shop-catalog', options: {size: 20}, dependsOn: []});
    expect(shop.resources[3]!.dependsOn).toEqual(['quote']);
    expect(options(shop, 'quote')).toEqual({
      app: 'shop',
      handler: 'shop.api.quote',
      memory: 256,
      env: ['SHOP_CATALOG=/catalog/items.json', 'SHOP_CURRENCY=EUR'],
      volume: ['shop-catalog:/catalog'],
    });
  });

  test('staging: other names, one variable changed, one resource less', async () => {
    const shop = await fixture('shop', 'staging');
    expect(shop.overlay).toBe('staging');
    expect(shop.resources.map(({resource}) => resource)).toEqual(['catalog', 'quote', 'health']);
    expect(shop.resources[0]).toMatchObject({name: 'shop-catalog-staging', options: {size: 5}});
    expect(options(shop, 'health')).toMatchObject({app: 'shop-staging', memory: 256});
    expect(options(shop, 'quote')).toMatchObject({
      volume: ['shop-catalog-staging:/catalog'],
      env: ['SHOP_CATALOG=/catalog/items.json', 'SHOP_CURRENCY=USD'],
    });
  });

  test('production: a default and two options more', async () => {
    const shop = await fixture('shop', 'production');
    expect(shop.resources).toHaveLength(4);
    expect(options(shop, 'quote')).toMatchObject({app: 'shop', memory: 1024, cpu: 1, 'min-containers': 1});
  });
});

describe('layers', () => {
  const text = `
version: 1
provider: modal
target: cloud
profile: work
defaults:
  ai: {cpu: 1, memory: 100, env: {A: 1, B: "2"}}
resources:
  a: {type: ai, memory: 200, env: {B: 3, C: true}}
  b: {type: ai, cpu: null, env: [X=1, Y=2]}
environments:
  s:
    target: local
    environment: dev
    profile: null
    defaults: {ai: {cpu: 2, memory: 300}}
    resources:
      a: {memory: 400, env: {A: null}}
      b: {env: {X: 5}}
      c: {type: storage}
  empty:
`;

  test('defaults, then the resource: mappings merge, null takes away', async () => {
    const project = await load(text);
    expect(project).toMatchObject({target: 'cloud', profile: 'work'});
    expect(options(project, 'a')).toEqual({cpu: 1, memory: 200, env: ['A=1', 'B=3', 'C=true']});
    expect(options(project, 'b')).toEqual({memory: 100, env: ['X=1', 'Y=2']});
  });

  test('an environment: its defaults below what a resource says itself, its resources above', async () => {
    const project = await load(text, {environment: 's'});
    expect(project).toMatchObject({target: 'local', environment: 'dev', overlay: 's'});
    expect(project).not.toHaveProperty('profile');
    expect(options(project, 'a')).toEqual({cpu: 2, memory: 400, env: ['B=3', 'C=true']});
    expect(options(project, 'b')).toEqual({memory: 300, env: ['Y=2', 'X=5']});
    expect(project.resources.map(({resource}) => resource)).toEqual(['a', 'b', 'c']);
  });

  test('one that is empty changes nothing', async () => {
    const {overlay, ...project} = await load(text, {environment: 'empty'});
    expect(overlay).toBe('empty');
    expect(project).toEqual(await load(text));
  });
});

test('anchors and merge keys mean what they stand for', async () => {
  const project = await load(`version: 1
provider: modal
resources:
  a: &base {type: ai, cpu: 1, env: &env {A: x}}
  b: {<<: *base, cpu: 2}
  c: {type: ai, env: {<<: *env, B: y}}
`);
  expect(options(project, 'b')).toEqual({cpu: 2, env: ['A=x']});
  expect(options(project, 'c')).toEqual({env: ['B=y', 'A=x']});
});

test('numbers stay as they are written where text is meant', async () => {
  const project = await load(withFunction('env: {A: 1.10, B: 007, C: 1e3, D: yes, E: "", F: "true"}'));
  expect(options(project, 'a')).toEqual({env: ['A=1.10', 'B=007', 'C=1e3', 'D=yes', 'E=', 'F=true']});
});

test('a source is relative to the file, and a group that is commented out is empty', async () => {
  const project = await load(`${withFunction('source: code')}defaults:\n  # ai: {cpu: 1}\nenvironments:\n`);
  expect(project.resources[0]!.source).toBe(join(directory, 'code'));
  expect((await load('version: 1\nprovider: modal\nresources:\n  # a: {type: ai}\n')).resources).toEqual([]);
});

test('the provider may come from elsewhere, and the file has the last word', async () => {
  const text = 'version: 1\nresources:\n  a: {type: ai}\n';
  expect((await load(text, {defaultProvider: 'modal'})).resources[0]!.provider).toBe('modal');
  expect((await load(`provider: modal\n${text}`, {defaultProvider: 'aws'})).provider).toBe('modal');
});

test('JSON is YAML', async () => {
  const text = JSON.stringify({version: 1, provider: 'modal', resources: {a: {type: 'ai', cpu: 2}}});
  expect(options(await load(text), 'a')).toEqual({cpu: 2});
});

test.each([undefined, 'staging', 'production'])('the example of docs/project-file.md loads: %s', async environment => {
  const page = readFileSync('docs/project-file.md', 'utf8');
  const [, text] = /```yaml\n(version: 1[\s\S]*?)```/.exec(page)!;
  const {resources, target} = await load(text!, {environment});
  const names = environment === 'staging' ? ['catalog', 'quote', 'trial'] : ['catalog', 'quote', 'nightly'];
  expect([target, resources.map(({resource}) => resource)]).toEqual([
    environment === 'staging' ? 'local' : 'cloud',
    names,
  ]);
  if (environment === 'staging')
    expect(resources[1]!.options).toMatchObject({env: ['LOG_LEVEL=info', 'CURRENCY=USD', 'RELEASE=dev']});
});
