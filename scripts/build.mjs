/**
 * Builds every workspace: the SDK with declarations, the core and the plugins with the SDK inlined.
 *
 * Ink and React go into one minified bundle a package (`#ink`), which is imported only when something is drawn:
 * unbundled they cost 350 ms at start, bundled about 100.
 */
import {execFileSync} from 'node:child_process';
import {readdir, rm} from 'node:fs/promises';
import {dirname, join, relative, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';
import {writeManifest} from './manifest.mjs';
import {writeProjectSchema} from './project-schema.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const sdk = join(root, 'packages/provider-sdk/src');

/** The SDK's sources stand in for its package: a packed plugin then needs nothing of ours from a registry. */
const sdkSources = {
  '@cloudctl/provider-sdk': join(sdk, 'index.ts'),
  '@cloudctl/provider-sdk/oclif': join(sdk, 'oclif/index.ts'),
  '@cloudctl/provider-sdk/ink': join(sdk, 'ink/index.ts'),
};

const shared = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
  jsx: 'automatic',
  alias: sdkSources,
};

async function commandsIn(directory) {
  const files = await readdir(join(directory, 'commands'), {recursive: true});
  return files.filter(file => file.endsWith('.ts')).map(file => join(directory, 'commands', file));
}

/** Everything but Ink: split into shared chunks, dependencies left outside. */
async function buildPackage(directory, entries, ink) {
  const source = join(directory, 'src');
  const out = join(directory, 'dist');
  await rm(out, {recursive: true, force: true});
  await build({
    ...shared,
    entryPoints: Object.fromEntries(entries.map(file => [relative(source, file).replace(/\.tsx?$/, ''), file])),
    outdir: out,
    splitting: true,
    packages: 'external',
    external: ['#ink'],
    chunkNames: 'chunks/[name]-[hash]',
  });
  await build({
    ...shared,
    entryPoints: {ink},
    outdir: out,
    minify: true,
    legalComments: 'linked',
    define: {'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"'},
    // React is CommonJS and calls require for Node's own modules.
    banner: {
      js: "import {createRequire as __createRequire} from 'node:module';const require=__createRequire(import.meta.url);",
    },
    plugins: [emptyDevtools],
  });
}

/** Ink looks for React's developer tools, which nobody installs. */
const emptyDevtools = {
  name: 'empty-devtools',
  setup(builder) {
    builder.onResolve({filter: /^react-devtools-core$/}, () => ({path: 'empty', namespace: 'empty'}));
    builder.onLoad({filter: /.*/, namespace: 'empty'}, () => ({contents: 'export default {}'}));
  },
};

async function buildSdk() {
  const directory = join(root, 'packages/provider-sdk');
  await rm(join(directory, 'dist'), {recursive: true, force: true});
  await rm(join(root, '.dev/types/provider-sdk.tsbuildinfo'), {force: true});
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', directory], {stdio: 'inherit'});
  await build({
    ...shared,
    alias: {},
    entryPoints: ['index.ts', 'oclif/index.ts', 'ink/index.ts'].map(file => join(sdk, file)),
    outbase: sdk,
    outdir: join(directory, 'dist'),
    splitting: true,
    packages: 'external',
    external: ['#ink'],
    chunkNames: 'chunks/[name]-[hash]',
  });
}

await buildSdk();
await buildPackage(
  root,
  [
    ...(await commandsIn(join(root, 'src'))),
    ...['command-line/help.ts', 'command-line/argv-guard.ts', 'credentials/keyring-helper.ts', 'main.ts'].map(file =>
      join(root, 'src', file),
    ),
  ],
  join(root, 'src/presentation/ink/index.ts'),
);
const modal = join(root, 'plugins/modal');
await buildPackage(
  modal,
  [...(await commandsIn(join(modal, 'src'))), join(modal, 'src/provider.ts')],
  join(modal, 'src/views/index.ts'),
);

// The root comes last: oclif takes a workspace's manifest for the root's when it is there first.
const stale = [];
for (const directory of [modal, root]) if (await writeManifest(directory)) stale.push(relative(root, directory) || '.');
if (stale.length > 0) console.log(`oclif.manifest.json was written anew in: ${stale.join(', ')}`);
if (await writeProjectSchema()) console.log('docs/cloudctl.schema.json was written anew.');
