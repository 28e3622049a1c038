import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const NAME = '@cloudctl/plugin-modal';

interface Package {
  root: string;
  version: string;
}

let found: Package | undefined;

/** The plugin's own package, found upwards from this file: it lies in `dist/chunks` when built and in `src` under test. */
function locate(): Package {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const manifest = readManifest(directory);
    if (manifest?.name === NAME) return {root: directory, version: manifest.version ?? '0.0.0'};
    if (directory === dirname(directory))
      throw new Error(`The package ${NAME} is incomplete: its package.json is missing.`);
  }
}

function readManifest(directory: string): {name?: string; version?: string} | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {name?: string; version?: string};
  } catch {
    return undefined;
  }
}

/** Absolute path of the plugin's package directory. */
export function packageRoot(): string {
  found ??= locate();
  return found.root;
}

/** The plugin's version, from its package.json. */
export function packageVersion(): string {
  found ??= locate();
  return found.version;
}

/** Absolute path of the folder with the plugin's Python code. */
export function pythonFolder(): string {
  return join(packageRoot(), 'python');
}
