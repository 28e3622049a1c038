/** Writes `docs/cloudctl.schema.json`, the JSON Schema of `cloudctl.yaml`, from the providers' own definitions. */
import {readFile, writeFile} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {build} from 'esbuild';

const root = resolve(fileURLToPath(new URL('..', import.meta.url)));
const FILE = join(root, 'docs/cloudctl.schema.json');

/** The schema's text as it should be now. Reads the sources, so that nothing has to be built before. */
export async function projectSchemaText() {
  const {outputFiles} = await build({
    stdin: {
      contents: `
        import {projectSchema} from './src/config/json-schema.ts';
        import modal from './plugins/modal/src/provider.ts';
        export const text = JSON.stringify(projectSchema([modal]), null, 2) + '\\n';`,
      resolveDir: root,
      loader: 'ts',
    },
    alias: {'@cloudctl/provider-sdk': join(root, 'packages/provider-sdk/src/index.ts')},
    // Of a provider only the light part.
    external: ['./implementation.js'],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  const {text} = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
  return text;
}

/** @returns whether the committed schema was stale. */
export async function writeProjectSchema() {
  const wanted = await projectSchemaText();
  if (wanted === (await readFile(FILE, 'utf8').catch(() => ''))) return false;
  await writeFile(FILE, wanted);
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log((await writeProjectSchema()) ? 'docs/cloudctl.schema.json: written' : 'docs/cloudctl.schema.json: fresh');
}
