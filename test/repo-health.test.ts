import {readdirSync, readFileSync} from 'node:fs';
import {join, relative, resolve} from 'node:path';
import {describe, expect, test} from '@jest/globals';

const root = resolve(process.cwd());
const WORKSPACES = ['.', 'packages/provider-sdk', 'plugins/modal'];

interface Manifest {
  name: string;
  version: string;
  license: string;
  type: string;
  files: string[];
  engines: {node: string};
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

const manifestOf = (workspace: string): Manifest =>
  JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8')) as Manifest;

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), {recursive: true, encoding: 'utf8'})
    .filter(file => /\.tsx?$/.test(file))
    .map(file => join(folder, file).replaceAll('\\', '/'));
}

/** Every module that a file imports, statically or not, with types. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm)].map(([, name]) => name!);
  return found.map(name =>
    name.startsWith('.') ? relative(root, resolve(root, file, '..', name)).replaceAll('\\', '/') : name,
  );
}

/** The room of the house that a file or an import of `src` belongs to. */
const roomOf = (path: string): string => /^src\/([^/]+)/.exec(path)?.[1] ?? path;

/** Which rooms each room may look into. Arrows point one way; what is not named here is not allowed. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['command-line'],
  commands: ['command-line', 'services', 'presentation', 'providers'],
  'command-line': ['services', 'providers', 'config', 'credentials'],
  presentation: ['services', 'packaging'],
  services: ['providers', 'ledger', 'packaging', 'cost', 'credentials', 'config'],
  ledger: ['packaging'],
  providers: [],
  packaging: [],
  cost: [],
  credentials: [],
  config: [],
};

describe('the direction of imports', () => {
  const files = sourcesIn('src');

  test.each(files)('%s stays in its rooms', file => {
    const room = roomOf(file);
    const own = importsOf(file).filter(name => name.startsWith('src/'));
    const strays = own.filter(name => roomOf(name) !== room && !ROOMS[room]?.includes(roomOf(name)));
    expect(strays).toEqual([]);
    expect(own.length === 0 || Object.keys(ROOMS).includes(room)).toBe(true);
  });

  test('only commands and the command line know oclif; nobody imports Ink but through #ink', () => {
    const strays: string[] = [];
    for (const file of files) {
      for (const name of importsOf(file)) {
        const oclif = name.startsWith('@oclif/') || name === '@cloudctl/provider-sdk/oclif';
        if (oclif && !['main.ts', 'commands', 'command-line'].includes(roomOf(file))) strays.push(`${file}: ${name}`);
        if (/^(ink|react)$/.test(name)) strays.push(`${file}: ${name}`);
        if (name === '@cloudctl/provider-sdk/ink' && !file.startsWith('src/presentation/ink/'))
          strays.push(`${file}: ${name}`);
      }
    }
    expect(strays).toEqual([]);
  });

  test('the core knows no cloud, and the plugin and the SDK know no core', () => {
    const strays = files.filter(file => /modal/i.test(importsOf(file).join(' ')));
    for (const file of [...sourcesIn('plugins/modal/src'), ...sourcesIn('packages/provider-sdk/src')]) {
      if (importsOf(file).some(name => name.startsWith('src/') || name === 'cloudctl')) strays.push(file);
    }
    expect(strays).toEqual([]);
  });
});

describe('manifests and lock file', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, {version?: string; resolved?: string; dependencies?: object}>;
  };

  test.each(WORKSPACES)('%s is complete', workspace => {
    const {name, version, license, type, files, engines} = manifestOf(workspace);
    expect({license, type, engines}).toEqual({license: 'Apache-2.0', type: 'module', engines: {node: '>=20.19'}});
    expect(files).not.toHaveLength(0);
    const locked = lock.packages[workspace === '.' ? '' : workspace];
    expect(locked).toMatchObject({version});
    expect(name).toMatch(/^(cloudctl|@cloudctl\/.+)$/);
  });

  test.each([
    ['.', 'src', ['packages/provider-sdk/src/oclif']],
    ['plugins/modal', 'plugins/modal/src', ['packages/provider-sdk/src/oclif']],
  ])('%s names every package that its sources import', (workspace, folder, inlined) => {
    const {dependencies = {}, devDependencies = {}} = manifestOf(workspace);
    const imported = [folder, ...inlined].flatMap(sourcesIn).flatMap(importsOf);
    const packages = new Set(
      imported
        .filter(
          name => /^(@[\w-]+\/)?[a-z][\w.-]*/.test(name) && !/^(node:|src\/|plugins\/|packages\/|test\/)/.test(name),
        )
        .map(name =>
          name
            .split('/')
            .slice(0, name.startsWith('@') ? 2 : 1)
            .join('/'),
        ),
    );
    const bundled = new Set(['@cloudctl/provider-sdk', 'ink', 'react']);
    const missing = [...packages].filter(
      name => !(name in dependencies) && !(bundled.has(name) && (name in devDependencies || workspace !== '.')),
    );
    expect(missing).toEqual([]);
  });

  test('the lock file carries no address', () => {
    const addresses = Object.values(lock.packages)
      .map(({resolved}) => resolved)
      .filter(resolved => resolved?.includes('://'));
    expect(addresses).toEqual([]);
  });

  test('nobody needs the CLI as a peer: npm would install a second one', () => {
    for (const workspace of WORKSPACES)
      expect(Object.keys(manifestOf(workspace).peerDependencies ?? {})).not.toContain('cloudctl');
  });
});

test.each(['.', 'plugins/modal'])('oclif.manifest.json of %s is fresh', async workspace => {
  const {execFileSync} = await import('node:child_process');
  const script = `import {manifestText} from './scripts/manifest.mjs'; process.stdout.write(await manifestText(${JSON.stringify(join(root, workspace))}));`;
  const wanted = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
    env: {...process.env, NODE_OPTIONS: ''},
  });
  expect(readFileSync(join(root, workspace, 'oclif.manifest.json'), 'utf8')).toBe(wanted);
});

test('commands stay short: parse, call a service, present', () => {
  const long = sourcesIn('src/commands')
    .concat(sourcesIn('plugins/modal/src/commands'))
    .filter(file => readFileSync(join(root, file), 'utf8').split('\n').length > 80);
  expect(long).toEqual([]);
});
