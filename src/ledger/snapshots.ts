import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {environmentError, type SourcePackage} from '@cloudctl/provider-sdk';
import {formatManifest, manifestFor, type PackageManifest, parseManifest} from '../packaging/manifest.js';
import {type ProjectPackage, readVerbatim, writePackage} from '../packaging/package.js';

/**
 * What nothing refers to is kept this long after it was made or last used: a deploy keeps its snapshot first, and writes
 * its record when all is done. Leftovers of interrupted copies too, in case a copy is still running.
 */
const SPARED_MS = 60 * 60 * 1000;

/** A snapshot's folder: the digest, its colon replaced. */
const SNAPSHOT = /^sha256-[0-9a-f]{64}$/;
/** Being made: not whole. */
const NEW = 'new-';
/** Taken away to be looked at once more: whole, or in use after all. */
const DOUBTFUL = 'old-';
/** Being removed: no longer whole. */
const GONE = 'gone-';

/**
 * Immutable copies of packages, addressed by their digest: what a redeploy of a neighbour is made from.
 *
 * A folder stands under its digest only while it is whole, wherever a process was killed: it is made and removed under
 * other names, and moved. Beside it lies its manifest.
 */
export class Snapshots {
  constructor(readonly directory: string) {}

  directoryOf(digest: string): string {
    return join(this.directory, digest.replace(':', '-'));
  }

  /** Keeps a copy, unless there is one. */
  async keep(content: ProjectPackage): Promise<SourcePackage> {
    if (!(await this.#touch(content.digest))) {
      await this.#prepare();
      const folder = await mkdtemp(join(this.directory, NEW));
      try {
        writePackage(content, folder);
        await this.#place(folder, content);
      } finally {
        await rm(folder, {recursive: true, force: true});
      }
    }
    return this.#source(content);
  }

  /**
   * Takes a freshly unpacked folder over, which is moved. Where the same package is kept already, it stays where it is.
   *
   * @throws CloudError with exit code 7 where its content does not have that digest.
   */
  async keepDirectory(directory: string, digest: string): Promise<SourcePackage> {
    const content = readVerbatim(directory);
    if (content.digest !== digest || content.warnings.length > 0) {
      throw environmentError('PACKAGE_BROKEN', `The package ${digest} does not hold what its name says.`, {
        hints: ['It was damaged or changed on the way. Deploy the code from its project instead.'],
        data: {expected: digest, found: content.digest, problems: [...content.warnings]},
      });
    }
    if (await this.#touch(digest)) return this.#source(content);
    await this.#prepare();
    await this.#place(directory, content).catch((error: NodeJS.ErrnoException) => {
      // From another file system nothing can be moved.
      if (error.code !== 'EXDEV') throw error;
      return this.keep(content);
    });
    return this.#source(content);
  }

  /** What a snapshot holds; undefined where it is not on this machine, or not what it was. */
  async manifestOf(digest: string): Promise<PackageManifest | undefined> {
    const directory = this.directoryOf(digest);
    if (!existsSync(directory)) return undefined;
    const text = await readFile(manifestFile(directory), 'utf8').catch(() => undefined);
    const kept = text === undefined ? undefined : parseManifest(text, digest);
    if (kept !== undefined) return kept;
    const content = readVerbatim(directory);
    if (content.digest !== digest) return undefined;
    const manifest = manifestFor(content);
    // For the next time, where that can be.
    await writeManifest(directory, manifest).catch(() => undefined);
    return manifest;
  }

  /** Removes the snapshots that nothing refers to, unless they were made or used within the last hour. */
  async collect(referenced: ReadonlySet<string>): Promise<{removed: number; bytes: number}> {
    await this.#clean();
    const collected = {removed: 0, bytes: 0};
    for (const name of await this.#names()) {
      const folder = join(this.directory, name);
      const digest = name.replace('-', ':');
      if (!SNAPSHOT.test(name) || referenced.has(digest) || !(await isOld(folder))) continue;
      const bytes = sizeOf(await this.manifestOf(digest));
      if (!(await this.#remove(folder))) continue;
      collected.removed += 1;
      collected.bytes += bytes;
    }
    return collected;
  }

  /** Says that a snapshot is in use; whether there is one. */
  async #touch(digest: string): Promise<boolean> {
    const directory = this.directoryOf(digest);
    const now = new Date();
    const touched = await utimes(directory, now, now).then(
      () => true,
      () => false,
    );
    // It may have been taken away just before.
    return touched && existsSync(directory);
  }

  async #prepare(): Promise<void> {
    await mkdir(this.directory, {recursive: true, mode: 0o700});
    await this.#clean();
  }

  /** Moves a whole folder to where its digest says. */
  async #place(folder: string, content: ProjectPackage): Promise<void> {
    const directory = this.directoryOf(content.digest);
    const now = new Date();
    await utimes(folder, now, now);
    await writeManifest(directory, manifestFor(content));
    await moveUnlessThere(folder, directory);
  }

  #source({digest, files, bytes}: ProjectPackage): SourcePackage {
    return {digest, directory: this.directoryOf(digest), files: files.length, bytes};
  }

  /**
   * Takes a snapshot away, looks whether somebody used it meanwhile, and only then removes it.
   *
   * @returns whether it is gone.
   */
  async #remove(folder: string): Promise<boolean> {
    const doubtful = join(this.directory, `${DOUBTFUL}${basename(folder)}`);
    try {
      await rename(folder, doubtful);
    } catch {
      return false; // Another process is at it.
    }
    return this.#decide(doubtful);
  }

  async #decide(doubtful: string): Promise<boolean> {
    const name = basename(doubtful).slice(DOUBTFUL.length);
    const directory = join(this.directory, name);
    if (!(await isOld(doubtful))) {
      await moveUnlessThere(doubtful, directory).catch(() => undefined);
      if (!existsSync(doubtful) || !existsSync(directory)) return false;
    }
    const gone = await mkdtemp(join(this.directory, GONE));
    try {
      await rename(doubtful, join(gone, name));
      if (!existsSync(directory)) await rm(manifestFile(directory), {force: true});
      await rm(gone, {recursive: true, force: true});
      return true;
    } catch {
      return false; // The rest goes the next time.
    }
  }

  /** Finishes what was interrupted. */
  async #clean(): Promise<void> {
    for (const name of await this.#names()) {
      const path = join(this.directory, name);
      if (name.startsWith(DOUBTFUL)) await this.#decide(path);
      else if (name.startsWith(GONE) || (isLeftover(name, this.directory) && (await isOld(path))))
        await rm(path, {recursive: true, force: true}).catch(() => undefined);
    }
  }

  async #names(): Promise<string[]> {
    return readdir(this.directory).catch(() => []);
  }
}

/** A copy that was not finished, or a manifest without its folder. */
function isLeftover(name: string, directory: string): boolean {
  if (name.startsWith(NEW)) return true;
  const [, owner] = /^(.*)\.json(?:\..*)?$/.exec(name) ?? [];
  return owner !== undefined && (!name.endsWith('.json') || !existsSync(join(directory, owner)));
}

function manifestFile(directory: string): string {
  return `${directory}.json`;
}

async function writeManifest(directory: string, manifest: PackageManifest): Promise<void> {
  const {default: writeFileAtomic} = await import('write-file-atomic');
  await writeFileAtomic(manifestFile(directory), formatManifest(manifest), {mode: 0o600, fsync: false});
}

/** Nobody is disturbed who made the same meanwhile: what is there is as good. */
async function moveUnlessThere(folder: string, directory: string): Promise<void> {
  await rename(folder, directory).catch((error: NodeJS.ErrnoException) => {
    if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code ?? '') || !existsSync(directory)) throw error;
  });
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > SPARED_MS;
}

function sizeOf(manifest: PackageManifest | undefined): number {
  let bytes = 0;
  for (const {size} of manifest?.values() ?? []) bytes += size;
  return bytes;
}
