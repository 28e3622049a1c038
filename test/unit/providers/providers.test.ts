import {describe, expect, test} from '@jest/globals';
import {peek} from '../../../src/command-line/peek.js';
import {expandPluginNames} from '../../../src/command-line/plugin-names.js';
import {toOclifFlags} from '../../../src/providers/flags.js';
import {type InstalledPlugin, readRegistry} from '../../../src/providers/registry.js';
import {chooseProvider} from '../../../src/providers/selection.js';

const modal = {
  contract: 1,
  providers: [{name: 'modal', title: 'Modal', entry: './p.js', resources: ['ai', 'storage']}],
};
const disk = {contract: 1, providers: [{name: 'disk', entry: './p.js', resources: ['storage']}]};

function installed(...announced: unknown[]): {plugins: Map<string, InstalledPlugin>} {
  return {
    plugins: new Map(
      announced.map((cloudctl, i) => [
        `@x/p${i}`,
        {name: `@x/p${i}`, version: '1.0.0', root: '/x', type: 'user', pjson: cloudctl === undefined ? {} : {cloudctl}},
      ]),
    ),
  };
}

describe('the registry', () => {
  test('lists what plugins announce and ignores the rest', () => {
    const {providers, problems} = readRegistry(installed(undefined, modal));
    expect(problems).toEqual([]);
    expect(providers).toEqual([
      {
        name: 'modal',
        title: 'Modal',
        entry: '/x/p.js',
        resources: ['ai', 'storage'],
        plugin: {name: '@x/p1', version: '1.0.0', type: 'user'},
      },
    ]);
  });

  test('a broken announcement disturbs only itself, and says which side to update', () => {
    const {providers, problems} = readRegistry(
      installed(
        {providers: 3},
        {...modal, contract: 9},
        {...modal, contract: 0},
        {contract: 1, providers: [{}]},
        modal,
        modal,
      ),
    );
    expect(providers.map(({name}) => name)).toEqual(['modal']);
    expect(problems.map(({plugin}) => plugin)).toEqual(['@x/p0', '@x/p1', '@x/p2', '@x/p3', '@x/p5']);
    expect(problems[1]!.hint).toContain('Update cloudctl');
    expect(problems[2]!.hint).toContain('Update the plugin');
    expect(problems[4]!.problem).toContain('@x/p4 already offers');
  });
});

describe('the choice of a provider', () => {
  const both = readRegistry(installed(modal, disk));

  test('flag before environment before configuration', () => {
    expect(chooseProvider(both, {flag: 'disk', environment: 'modal', type: 'storage'}).name).toBe('disk');
    expect(chooseProvider(both, {environment: 'disk', configured: 'modal', type: 'storage'}).name).toBe('disk');
    expect(chooseProvider(both, {configured: 'disk', type: 'storage'}).name).toBe('disk');
  });

  test('the only one that offers the type', () => {
    expect(chooseProvider(both, {type: 'ai'}).name).toBe('modal');
    expect(() => chooseProvider(both, {type: 'storage'})).toThrow(
      expect.objectContaining({code: 'PROVIDER_AMBIGUOUS', exitCode: 2}),
    );
  });

  test('one that is not installed: exit 3, the nearest name and the install command', () => {
    expect(() => chooseProvider(both, {flag: 'modla', type: 'ai'})).toThrow(
      expect.objectContaining({
        code: 'PROVIDER_NOT_INSTALLED',
        exitCode: 3,
        hints: ['Did you mean "modal"?', 'Install it: cloudctl plugins install modla', 'Installed: modal, disk'],
      }),
    );
    expect(() => chooseProvider(readRegistry(installed()), {type: 'ai'})).toThrow(
      expect.objectContaining({exitCode: 3, hints: ['Install one: cloudctl plugins install modal']}),
    );
  });

  test('a type that nobody offers', () => {
    expect(() => chooseProvider(both, {type: 'a'})).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_RESOURCE_TYPE',
        exitCode: 2,
        hints: expect.arrayContaining(['Did you mean "ai"?']),
      }),
    );
    expect(() => chooseProvider(both, {flag: 'disk', type: 'ai'})).toThrow(
      expect.objectContaining({code: 'UNKNOWN_RESOURCE_TYPE'}),
    );
  });
});

test('a peek finds provider, target and type wherever they stand', () => {
  expect(peek(['ai', 'x', '--provider', 'modal', '--target=local'])).toEqual({
    type: 'ai',
    provider: 'modal',
    target: 'local',
  });
  expect(peek(['--name', 'ai', '-p', 'disk', 'storage', 'x'])).toEqual({type: 'storage', provider: 'disk'});
  expect(peek(['--json', '--', '--provider', 'x'])).toEqual({});
});

test('short plugin names mean our scope and nothing else', () => {
  expect(expandPluginNames(['plugins', 'install', 'modal'])).toEqual(['plugins', 'install', '@cloudctl/plugin-modal']);
  expect(expandPluginNames(['plugins:install', 'modal@1.2.0'])).toEqual([
    'plugins:install',
    '@cloudctl/plugin-modal@1.2.0',
  ]);
  expect(expandPluginNames(['plugins', 'uninstall', 'plugin-modal'])).toEqual([
    'plugins',
    'uninstall',
    '@cloudctl/plugin-modal',
  ]);
  for (const name of ['@acme/x', 'file:///a/b.tgz', './x.tgz', 'https://h/x.git', '--force', 'acme/x']) {
    expect(expandPluginNames(['plugins', 'install', name])).toEqual(['plugins', 'install', name]);
  }
  expect(expandPluginNames(['deploy', 'install', 'modal'])).toEqual(['deploy', 'install', 'modal']);
  expect(expandPluginNames([])).toEqual([]);
});

describe('provider flags', () => {
  const {cpu, size, gpu} = toOclifFlags(
    {
      cpu: {kind: 'integer', summary: 'x', min: 1, max: 8},
      size: {kind: 'number', summary: 'x', defaultText: '1'},
      gpu: {kind: 'string', summary: 'x', multiple: true, options: ['a']},
    },
    'X FLAGS',
  );

  test.each(['4', '1', '8'])('%s is taken', async text => expect(await cpu!.parse(text)).toBe(Number(text)));
  test.each(['', '0', '9', '1.5', '0x4', '1e1', 'four', 'NaN', '-1'])('%j is refused with exit code 2', async text => {
    await expect(cpu!.parse(text)).rejects.toMatchObject({
      code: 'BAD_FLAG_VALUE',
      exitCode: 2,
      message: expect.stringContaining('from 1 to 8'),
    });
  });
  test.each(['Infinity', 'NaN', '1e3', '1,5', '.'])('%j is no number', async text => {
    await expect(size!.parse(text)).rejects.toMatchObject({code: 'BAD_FLAG_VALUE'});
  });

  test('become oclif flags under a heading', () => {
    expect(gpu).toMatchObject({type: 'option', helpGroup: 'X FLAGS', multiple: true, options: ['a']});
    expect(size!.summary).toBe('[default: 1] x');
  });
});
