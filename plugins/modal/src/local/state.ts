import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {packageRoot, packageVersion, pythonFolder} from '../runtime/package-root.js';

/** What a running server leaves in its state directory. */
export interface ServerFile {
  pid: number;
  version: string;
  /** For the SDK: `MODAL_SERVER_URL`. */
  url: string;
  controlUrl: string;
  tokenId: string;
  tokenSecret: string;
}

/** Where Local Modal keeps everything. */
export function stateDirectory(directories: {readonly data: string}): string {
  return join(directories.data, 'local');
}

/** The server file, or nothing when there is none or it is not one. */
export async function readServerFile(state: string): Promise<ServerFile | undefined> {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(await readFile(join(state, 'server.json'), 'utf8')) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const {pid, version, url, control_url: controlUrl, token_id: tokenId, token_secret: tokenSecret} = found;
  const texts = {version, url, controlUrl, tokenId, tokenSecret};
  if (!Number.isSafeInteger(pid) || Object.values(texts).some(text => typeof text !== 'string')) return undefined;
  return {pid, ...texts} as ServerFile;
}

let version: Promise<string> | undefined;

/**
 * Which server belongs to this plugin: one that says another version is replaced.
 *
 * The package's version; while working on the plugin, with a digest of the server's sources.
 */
export function serverVersion(): Promise<string> {
  version ??= existsSync(join(packageRoot(), 'src')) ? developmentVersion() : Promise.resolve(packageVersion());
  return version;
}

async function developmentVersion(): Promise<string> {
  const folder = join(pythonFolder(), 'modal_local');
  const hash = createHash('sha256');
  const files = (await readdir(folder, {recursive: true})).filter(file => file.endsWith('.py')).sort();
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join(folder, file)));
  return `${packageVersion()}+${hash.digest('hex').slice(0, 8)}`;
}

/** Whether there is a process with this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
