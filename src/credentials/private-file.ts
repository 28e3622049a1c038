import {randomBytes} from 'node:crypto';
import {constants} from 'node:fs';
import {access, mkdir, open, readdir, rename, rm, stat} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {notWritable, unsafeFile} from './errors.js';

/** Nobody but the owner may do anything. */
export const PRIVATE = 0o077;
/** Others may read but not write. */
export const READABLE = 0o022;

const LARGEST = 4 * 1024 * 1024;
const POSIX = process.platform !== 'win32';

export interface ReadOptions {
  /** Mode bits that must not be set. */
  forbidden: number;
  /** Code of the error. */
  code: string;
  /** Whether a link is followed to the file, as with secrets that are mounted into a container. */
  follow?: boolean;
}

/**
 * A file's bytes, or nothing where there is none.
 *
 * Looked at through one descriptor, so that what was checked is what is read.
 *
 * @throws CloudError with exit code 4 for a link, a folder, a device, a foreign owner, or loose modes.
 */
export async function readPrivate(file: string, options: ReadOptions): Promise<Buffer | undefined> {
  const {O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0} = constants;
  const unsafe = (why: string, hint: string): Error => unsafeFile(options.code, file, why, hint);
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, O_RDONLY | O_NONBLOCK | (options.follow === true ? 0 : O_NOFOLLOW));
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'ELOOP') throw unsafe('it is a symbolic link', `See where it leads: ls -l ${file}; then remove it.`);
    throw unsafe(`it cannot be read (${code ?? 'unknown'})`, `See whose it is: ls -l ${file}`);
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw unsafe('it is not a regular file', `See what it is: ls -ld ${file}`);
    if (POSIX) {
      const {uid, mode} = found;
      if (uid !== process.getuid?.()) throw unsafe('it belongs to another user', `See whose it is: ls -l ${file}`);
      if ((mode & options.forbidden) !== 0) {
        throw unsafe(
          `other users may ${(mode & options.forbidden & 0o044) !== 0 ? 'read' : 'change'} it (mode ${(mode & 0o777).toString(8)})`,
          `Close it: chmod 600 ${file}. What others may have read is better made anew.`,
        );
      }
    }
    if (found.size > LARGEST) throw unsafe('it is far too large', `See what it is: ls -l ${file}`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a folder of the user's own, and makes sure that it can be written and that nobody else can replace what is in it.
 *
 * @throws CloudError with exit code 7 where it cannot be written, 4 where others may write it.
 */
export async function privateFolder(folder: string, code: string): Promise<void> {
  try {
    await mkdir(folder, {recursive: true, mode: 0o700});
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw notWritable(folder, error as NodeJS.ErrnoException);
  }
  if (!POSIX) return;
  const {mode, uid} = await stat(folder);
  if (uid !== process.getuid?.())
    throw unsafeFile(code, folder, 'it belongs to another user', `See whose it is: ls -ld ${folder}`);
  if ((mode & READABLE) !== 0)
    throw unsafeFile(code, folder, 'other users may write in it', `Close it: chmod 700 ${folder}`);
}

/**
 * Replaces a file as a whole: a crash leaves the old or the new one. Only under the file's lock.
 *
 * @throws CloudError with exit code 7 where it cannot be written.
 */
export async function writePrivate(file: string, content: string): Promise<void> {
  const folder = dirname(file);
  const begin = `.${basename(file)}.`;
  try {
    // What a killed writer left. The lock is ours, so nobody is writing now.
    for (const name of await readdir(folder))
      if (name.startsWith(begin) && name.endsWith('.tmp')) await rm(join(folder, name), {force: true});
    const temporary = join(folder, `${begin}${randomBytes(6).toString('hex')}.tmp`);
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(folder);
  } catch (error) {
    throw notWritable(folder, error as NodeJS.ErrnoException);
  }
}

/** The new name itself must survive a power cut; some systems do not let a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY);
    await handle.sync().finally(() => handle.close());
  } catch {
    // The content is safe; only the rename may be undone.
  }
}
