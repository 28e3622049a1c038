import {createHash} from 'node:crypto';
import {closeSync, fstatSync, mkdirSync, openSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {environmentError} from '@cloudctl/provider-sdk';
import {type PackagedFile, stampOf, type Walk, walkProject} from './walk.js';

export interface ProjectPackage extends Walk {
  root: string;
  /** `sha256:` and 64 hexadecimal digits: the same for the same tree on any machine. */
  digest: string;
  bytes: number;
  /** SHA-256 of each file, in the order of `files`. */
  hashes: readonly string[];
}

/** Reads a project and computes what its package would be. Writes nothing. */
export function readPackage(root: string): ProjectPackage {
  const walk = walkProject(root);
  const hashes = walk.files.map(file => hashOf(readUnchanged(root, file)));
  const whole = createHash('sha256');
  walk.files.forEach((file, i) => {
    whole.update(`${file.executable ? 'x' : '-'} ${hashes[i]} ${file.path}\0`);
  });
  return {
    files: walk.files,
    ignored: walk.ignored,
    warnings: walk.warnings,
    root,
    digest: `sha256:${whole.digest('hex')}`,
    bytes: walk.files.reduce((sum, {size}) => sum + size, 0),
    hashes,
  };
}

/** Copies a package's files into an empty folder, and makes sure that they still are what was read before. */
export function writePackage(content: ProjectPackage, folder: string): void {
  const made = new Set<string>();
  content.files.forEach((file, i) => {
    const bytes = readUnchanged(content.root, file);
    if (hashOf(bytes) !== content.hashes[i]) throw changedMeanwhile(file.path);
    const target = join(folder, file.path);
    const parent = dirname(target);
    if (!made.has(parent)) {
      mkdirSync(parent, {recursive: true});
      made.add(parent);
    }
    writeFileSync(target, bytes, {mode: file.executable ? 0o755 : 0o644});
  });
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function readUnchanged(root: string, file: PackagedFile): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(join(root, file.path), 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw changedMeanwhile(file.path);
    throw environmentError('FILE_UNREADABLE', `${file.path} cannot be read.`, {
      hints: [`Leave it out: echo '/${file.path}' >> .cloudctlignore`],
      cause: error,
    });
  }
  try {
    if (stampOf(fstatSync(descriptor)) !== file.stamp) throw changedMeanwhile(file.path);
    const bytes = readFileSync(descriptor);
    if (stampOf(fstatSync(descriptor)) !== file.stamp) throw changedMeanwhile(file.path);
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

function changedMeanwhile(path: string): Error {
  return environmentError('SOURCE_CHANGED', `${path} changed while it was being packaged; nothing was deployed.`, {
    hints: [
      'Run the same command again when the files are at rest.',
      `Is it written by a running program? Leave it out: echo '/${path}' >> .cloudctlignore`,
    ],
  });
}
