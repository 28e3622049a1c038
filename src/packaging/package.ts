import {hash} from 'node:crypto';
import {chmodSync, constants, copyFileSync, mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {examine, hashFile, type PackagedFile, PIECE, readSmallFile} from './files.js';
import {HashCache} from './hash-cache.js';
import {digestOf} from './manifest.js';
import {changedMeanwhile, unreadable} from './problems.js';
import {Lookahead} from './threads.js';
import {type Ignored, type Walk, walkProject, walkVerbatim} from './walk.js';

export interface ProjectPackage {
  root: string;
  /** `sha256:` and 64 hexadecimal digits: the same for the same tree on any machine. */
  digest: string;
  files: readonly PackagedFile[];
  bytes: number;
  /** SHA-256 of each file, in the order of `files`. */
  hashes: readonly string[];
  /** What was left out, with the rule that said so. */
  ignored: readonly Ignored[];
  warnings: readonly string[];
}

export interface ReadOptions {
  /** Where hashes are remembered from one run to the next: what did not change is not read again. */
  cacheDirectory?: string;
  /** Absolute paths that are left out although no rule says so: the plan that is being kept or carried out. */
  without?: readonly string[];
}

/** Reads a project and computes what its package would be. Writes nothing but the cache. */
export function readPackage(root: string, {cacheDirectory, without = []}: ReadOptions = {}): ProjectPackage {
  const cache = cacheDirectory === undefined ? undefined : HashCache.open(cacheDirectory, root);
  // Most of the files will be those of the last time.
  const ahead = cache && Lookahead.start(root, cache.paths, false);
  const content = read(root, leaveOut(root, walkProject(root), without), ahead, cache);
  cache?.save(content);
  return content;
}

function leaveOut(root: string, walk: Walk, files: readonly string[]): Walk {
  const unwanted = files
    .map(file => relative(root, file).replaceAll('\\', '/'))
    .filter(path => walk.paths.includes(path));
  if (unwanted.length === 0) return walk;
  return {
    ...walk,
    paths: walk.paths.filter(path => !unwanted.includes(path)),
    ignored: [...walk.ignored, ...unwanted.map(path => ({path, by: 'built-in: the plan file'}))],
  };
}

/** A folder as a package, every file of it: no rules, nothing remembered. */
export function readVerbatim(root: string): ProjectPackage {
  return read(root, walkVerbatim(root));
}

function read(root: string, {paths, ignored, warnings}: Walk, early?: Lookahead, cache?: HashCache): ProjectPackage {
  const ahead = early ?? Lookahead.start(root, paths, true);
  ahead?.help();
  const files: PackagedFile[] = [];
  const hashes: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    const found = ahead?.find(path);
    const file = found?.file ?? examine(root, path);
    // What is gone by now does not belong to the tree any more.
    if (file === undefined) continue;
    files.push(file);
    hashes.push(cache?.find(file) ?? found?.hash ?? hashFile(root, file));
    bytes += file.size;
  }
  return {root, digest: digestOf(files, hashes), files, bytes, hashes, ignored, warnings};
}

/** Copies a package's files into an empty folder, and makes sure that they still are what was read before. */
export function writePackage(content: ProjectPackage, folder: string): void {
  const made = new Set<string>();
  content.files.forEach((file, i) => {
    const parent = dirname(join(folder, file.path));
    if (!made.has(parent)) {
      mkdirSync(parent, {recursive: true});
      made.add(parent);
    }
    if (copyFile(content.root, file, folder) !== content.hashes[i]) throw changedMeanwhile(file.path);
  });
}

/** @returns hash of what was written. */
function copyFile(root: string, file: PackagedFile, folder: string): string {
  const target = join(folder, file.path);
  const mode = file.executable ? 0o755 : 0o644;
  if (file.size <= PIECE) {
    const bytes = readSmallFile(root, file);
    writeFileSync(target, bytes, {mode});
    return hash('sha256', bytes, 'hex');
  }
  try {
    // Shares the blocks with the original where the file system can.
    copyFileSync(join(root, file.path), target, constants.COPYFILE_FICLONE);
    chmodSync(target, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw changedMeanwhile(file.path);
    throw unreadable(file.path, error);
  }
  const copy = examine(folder, file.path);
  if (copy === undefined) throw changedMeanwhile(file.path);
  return hashFile(folder, copy);
}
