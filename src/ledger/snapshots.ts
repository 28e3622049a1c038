import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, readdir, rename, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import type {SourcePackage} from '@cloudctl/provider-sdk';
import {type ProjectPackage, writePackage} from '../packaging/package.js';

/** Leftovers of interrupted copies are kept this long, in case a copy is still running. */
const LEFTOVER_MS = 60 * 60 * 1000;

/** Immutable copies of packages, addressed by their digest: what a redeploy of a neighbour is made from. */
export class Snapshots {
  constructor(readonly directory: string) {}

  directoryOf(digest: string): string {
    return join(this.directory, digest.replace(':', '-'));
  }

  /** Keeps a copy, unless there is one. A folder appears under its digest only when it is whole. */
  async keep(content: ProjectPackage): Promise<SourcePackage> {
    const directory = this.directoryOf(content.digest);
    if (!existsSync(directory)) {
      await mkdir(this.directory, {recursive: true, mode: 0o700});
      await this.removeLeftovers();
      const folder = await mkdtemp(join(this.directory, 'new-'));
      try {
        writePackage(content, folder);
        await rename(folder, directory).catch((error: NodeJS.ErrnoException) => {
          // Somebody else kept the same package meanwhile.
          if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code ?? '') || !existsSync(directory)) throw error;
        });
      } finally {
        await rm(folder, {recursive: true, force: true});
      }
    }
    return {digest: content.digest, directory, files: content.files.length, bytes: content.bytes};
  }

  private async removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.directory)) {
      if (!name.startsWith('new-')) continue;
      const folder = join(this.directory, name);
      const made = await stat(folder).catch(() => undefined);
      if (made !== undefined && Date.now() - made.mtimeMs > LEFTOVER_MS)
        await rm(folder, {recursive: true, force: true});
    }
  }
}
