import {readFile, stat} from 'node:fs/promises';
import {basename, dirname, join, relative, resolve} from 'node:path';
import {didYouMean, environmentError, notFoundError, usageError} from '@cloudctl/provider-sdk';
import {type Position, Problems, placesIn} from './problems.js';

export const PROJECT_FILE = 'cloudctl.yaml';
const OTHER_NAME = 'cloudctl.yml';
/** Bytes. */
const LARGEST = 1024 * 1024;

export interface ProjectFile {
  /** Absolute. */
  file: string;
  /** As people see it from where they stand: `cloudctl.yaml`, `../cloudctl.yaml`. */
  shown: string;
  /** It lies in a folder above the working directory, which should be said. */
  above: boolean;
}

/**
 * Finds the project file: the one that was named, else `cloudctl.yaml` or `cloudctl.yml` in the working directory or
 * above it, up to the folder with `.git`. Outside of a repository only the working directory is looked at.
 *
 * @throws CloudError with exit code 3 where there is none, 2 where one folder has both.
 */
export async function findProjectFile(workingDirectory: string, given?: string): Promise<ProjectFile> {
  if (given !== undefined) return namedFile(workingDirectory, given);
  const folders = await foldersUpToRepository(workingDirectory);
  for (const folder of folders) {
    const found: string[] = [];
    for (const name of [PROJECT_FILE, OTHER_NAME]) if (await isFile(join(folder, name))) found.push(name);
    if (found.length > 1) {
      throw usageError('PROJECT_FILE_AMBIGUOUS', `${folder} has both ${found.join(' and ')}.`, {
        hints: [`Remove one, or say which: --file ${PROJECT_FILE}`],
      });
    }
    if (found.length === 1) {
      const file = join(folder, found[0]!);
      const shown = relative(workingDirectory, file).replaceAll('\\', '/');
      return {file, shown, above: folder !== folders[0]};
    }
  }
  const last = folders.at(-1)!;
  const where = folders.length === 1 ? folders[0]! : `${folders[0]!} and the folders above it, up to ${last}`;
  throw notFoundError('PROJECT_FILE_NOT_FOUND', `There is no ${PROJECT_FILE} in ${where}.`, {
    hints: ['Write one: cloudctl init', 'Or say where it is: --file FILE'],
  });
}

async function namedFile(workingDirectory: string, given: string): Promise<ProjectFile> {
  const file = resolve(workingDirectory, given);
  if (await isFile(file)) return {file, shown: given, above: false};
  const exists = await stat(file).then(
    () => true,
    () => false,
  );
  if (exists) {
    throw usageError('PROJECT_FILE_INVALID', `${given} is no file.`, {
      hints: [`Name the file itself: --file ${join(given, PROJECT_FILE)}`],
    });
  }
  throw notFoundError('PROJECT_FILE_NOT_FOUND', `There is no file ${given}.`, {
    hints: [...didYouMean(basename(given), [PROJECT_FILE, OTHER_NAME]), 'Write one: cloudctl init'],
  });
}

async function foldersUpToRepository(workingDirectory: string): Promise<string[]> {
  const folders: string[] = [];
  for (let folder = resolve(workingDirectory); ; folder = dirname(folder)) {
    folders.push(folder);
    // A file in worktrees and submodules.
    if (await stat(join(folder, '.git')).catch(() => undefined)) return folders;
    if (dirname(folder) === folder) return folders.slice(0, 1);
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/**
 * The text of a project file.
 *
 * @throws CloudError with exit code 2 where it is too large or not UTF-8, 3 where it is gone, 7 where it cannot be read.
 */
export async function readProjectText(file: string, shown: string): Promise<string> {
  let bytes: Buffer;
  const refuse = (position: Position, message: string): never => {
    const problems = new Problems(shown);
    problems.add(position, '', message);
    throw problems.error();
  };
  try {
    const {size} = await stat(file);
    if (size > LARGEST) refuse({line: 1, column: 1}, `larger than ${LARGEST / 1024 / 1024} MB`);
    bytes = await readFile(file);
  } catch (error) {
    const {code, message} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') {
      throw notFoundError('PROJECT_FILE_NOT_FOUND', `There is no file ${shown}.`, {
        hints: ['Write one: cloudctl init'],
        cause: error,
      });
    }
    if (error instanceof Error && 'syscall' in error)
      throw environmentError('PROJECT_FILE_UNREADABLE', `${shown} cannot be read: ${message}`, {cause: error});
    throw error;
  }
  // A byte order mark, as some editors write, is no part of the text.
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  try {
    new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    refuse(placesIn(text)(Math.max(0, text.indexOf('\uFFFD'))), 'not UTF-8 text: save the file as UTF-8');
  }
  return text;
}
