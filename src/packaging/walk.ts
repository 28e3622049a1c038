import {type Dirent, readdirSync, readFileSync, realpathSync, type Stats, statSync} from 'node:fs';
import {join} from 'node:path';
import {environmentError, notFoundError, usageError} from '@cloudctl/provider-sdk';
import {collisionsAmong} from './collisions.js';
import type {Rule} from './patterns.js';
import {leaveOut, secretFiles, unreadable} from './problems.js';
import {type IgnoreFile, IgnoreRules, ignoreFilesOf, looksLikeSecret} from './rules.js';

/** What is ignored, and why. */
export interface Ignored {
  /** Folders end with a slash. */
  path: string;
  /** File and pattern: `.gitignore: data/cache/`, `built-in: .git/`. */
  by: string;
}

export interface Walk {
  /** Paths of the files relative to the project, `/` between names, in an order that is the same on every machine. */
  paths: readonly string[];
  ignored: readonly Ignored[];
  warnings: readonly string[];
}

/**
 * The files of a project that belong into its package.
 *
 * Links are followed, so that the package stands for itself. Synchronous on purpose: on trees of many small files that
 * is several times faster than promises.
 *
 * @throws CloudError for an empty, missing or unreadable directory, a loop of links, a file named like a secret, a name
 * that is no UTF-8.
 */
export function walkProject(root: string): Walk {
  const top = statOrUndefined(root);
  if (top === undefined)
    throw notFoundError('SOURCE_NOT_FOUND', `The source directory ${root} does not exist.`, {
      hints: ['Name another: --source DIR'],
    });
  if (!top.isDirectory())
    throw usageError('SOURCE_NOT_A_DIRECTORY', `${root} is not a directory.`, {
      hints: ['--source takes the directory that holds your code.'],
    });
  const walker = new Walker(root, false);
  walker.enter('', IgnoreRules.BUILT_IN, [realpathSync(root)]);
  if (walker.secrets.length > 0) throw secretFiles(walker.secrets);
  if (walker.paths.length === 0) {
    throw usageError('SOURCE_EMPTY', `There is nothing to deploy in ${root}.`, {
      hints:
        walker.ignored.length > 0
          ? [`Everything is ignored, the first by ${walker.ignored[0]!.by}: ${walker.ignored[0]!.path}`]
          : ['Name the directory that holds your code: --source DIR'],
    });
  }
  return walker;
}

/** Every file below a folder, whatever its name; links and the like become warnings. */
export function walkVerbatim(root: string): Walk {
  const walker = new Walker(root, true);
  walker.enter('', IgnoreRules.BUILT_IN, [root]);
  return walker;
}

interface Item {
  name: string;
  path: string;
  /** The name; with a slash behind it for a folder, so that items sort as the paths below them do. */
  key: string;
  kind: 'folder' | 'file' | 'dead link' | 'other';
  linked: boolean;
}

class Walker implements Walk {
  readonly paths: string[] = [];
  readonly ignored: Ignored[] = [];
  readonly warnings: string[] = [];
  readonly secrets: string[] = [];

  constructor(
    private readonly root: string,
    private readonly verbatim: boolean,
  ) {}

  /** @param trail real paths of the folders that lead here, to notice a link back into one of them. */
  enter(folder: string, outer: IgnoreRules, trail: readonly string[]): void {
    const entries = this.read(folder);
    const rules = this.verbatim ? outer : outer.within(folder, this.ignoreFiles(folder, entries));
    const prefix = folder === '' ? '' : `${folder}/`;
    const items = entries.map(entry => this.itemOf(entry, prefix));
    items.sort((a, b) => (a.key < b.key ? -1 : 1));
    const taken: string[] = [];
    for (const item of items) {
      const {name, path, kind} = item;
      const rule = this.verbatim ? undefined : rules.judge(name, path, kind === 'folder');
      if (rule !== undefined && !rule.negative) {
        this.ignored.push({path: kind === 'folder' ? `${path}/` : path, by: rule.by});
        continue;
      }
      if (kind === 'dead link') this.warnings.push(`${path} is a link to nothing and was left out.`);
      else if (kind === 'other') this.warnings.push(`${path} is not a regular file and was left out.`);
      else {
        if (name.includes('\uFFFD')) this.checkEncoding(folder, item);
        taken.push(name);
        if (kind === 'folder') this.enter(path, rules, [...trail, this.realPathOf(item, trail)]);
        else if (!isWanted(rule) && !this.verbatim && looksLikeSecret(name, path)) this.secrets.push(path);
        else this.paths.push(path);
      }
    }
    if (!this.verbatim) this.warnings.push(...collisionsAmong(taken, prefix));
  }

  private read(folder: string): Dirent[] {
    try {
      return readdirSync(join(this.root, folder), {withFileTypes: true});
    } catch (error) {
      const {code} = error as NodeJS.ErrnoException;
      // It was there a moment ago.
      if (code === 'ENOENT' && folder !== '') return [];
      throw unreadable(folder === '' ? this.root : `${folder}/`, error);
    }
  }

  /** Like git, which follows no link to a `.gitignore`. */
  private ignoreFiles(folder: string, entries: readonly Dirent[]): {name: IgnoreFile; text: string}[] {
    const wanted = ignoreFilesOf(folder);
    const found = entries.filter(
      entry =>
        entry.name.endsWith('ignore') &&
        (wanted as readonly string[]).includes(entry.name) &&
        (entry.isFile() || (entry.isSymbolicLink() && entry.name !== '.gitignore')),
    );
    if (found.length === 0) return [];
    const names = new Set(found.map(({name}) => name));
    return wanted
      .filter(name => names.has(name))
      .flatMap(name => {
        const path = folder === '' ? name : `${folder}/${name}`;
        try {
          return [{name, text: readFileSync(join(this.root, path), 'utf8')}];
        } catch (error) {
          if (['ENOENT', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
          throw environmentError('FILE_UNREADABLE', `${path} cannot be read, and says what belongs to the package.`, {
            hints: [`Make it readable: chmod u+r '${join(this.root, path)}'`],
            cause: error,
          });
        }
      });
  }

  private itemOf(entry: Dirent, prefix: string): Item {
    const {name} = entry;
    const path = prefix + name;
    if (entry.isFile()) return {name, path, key: name, kind: 'file', linked: false};
    if (entry.isDirectory()) return {name, path, key: `${name}/`, kind: 'folder', linked: false};
    if (!entry.isSymbolicLink() || this.verbatim) return {name, path, key: name, kind: 'other', linked: false};
    const stats = this.follow(path);
    if (stats === undefined) return {name, path, key: name, kind: 'dead link', linked: true};
    if (stats.isDirectory()) return {name, path, key: `${name}/`, kind: 'folder', linked: true};
    return {name, path, key: name, kind: stats.isFile() ? 'file' : 'other', linked: true};
  }

  private follow(path: string): Stats | undefined {
    try {
      return statOrUndefined(join(this.root, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOOP') throw unreadable(path, error);
      throw usageError('SYMLINK_LOOP', `${path} is a link that leads back to itself.`, {
        hints: [`Remove it, or leave it out: ${leaveOut(path)}`],
      });
    }
  }

  private realPathOf({name, path, linked}: Item, trail: readonly string[]): string {
    if (!linked) return `${trail.at(-1)}/${name}`;
    const real = realpathSync(join(this.root, path));
    if (trail.some(parent => parent === real || parent.startsWith(`${real}/`))) {
      throw usageError('SYMLINK_LOOP', `${path} is a link to a folder that contains it.`, {
        hints: [`Leave it out: ${leaveOut(path)}`],
      });
    }
    return real;
  }

  /** Bytes that are no UTF-8 were read as U+FFFD: no file has that name, and no other machine could make it. */
  private checkEncoding(folder: string, {name, path}: Item): void {
    const names = readdirSync(join(this.root, folder), {encoding: 'buffer'});
    if (names.some(bytes => bytes.equals(Buffer.from(name)))) return;
    throw usageError('BAD_FILE_NAME', `The name of ${path} is not UTF-8, and would not be the same elsewhere.`, {
      hints: ['Rename it.', `Or leave it out: ${leaveOut(path.replaceAll('\uFFFD', '*'))}`],
    });
  }
}

/** Whether somebody said of this very file that it belongs to the package. */
function isWanted(rule: Rule | undefined): boolean {
  return rule?.isOwn === true && rule.isNamed;
}

function statOrUndefined(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
