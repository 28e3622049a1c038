/** What the project's own scripts share: running commands, knowing whether work is due. Node's own library only. */
import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const dev = join(root, '.dev');
export const venv = join(dev, 'venv');
export const venvPython = join(venv, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/** Runs a command with its output passed through; rejects when it fails. */
export function run(command, args, options = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options});
    child.on('error', fail);
    child.on('close', code =>
      code === 0 ? done() : fail(new Error(`${command} ${args[0] ?? ''} ended with ${code}`)),
    );
  });
}

/** Runs a command and returns its exit code and output. */
export function capture(command, args, options = {}) {
  return new Promise(done => {
    const child = spawn(command, args, {cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options});
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', chunk => {
      stdout += chunk;
    });
    child.stderr?.on('data', chunk => {
      stderr += chunk;
    });
    child.on('error', error => done({code: 127, stdout, stderr: String(error)}));
    child.on('close', code => done({code, stdout, stderr}));
  });
}

/** npm as it was started, or the one on the path. */
export function npm(args, options) {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js') ? run(process.execPath, [cli, ...args], options) : run('npm', args, options);
}

function filesIn(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, {withFileTypes: true, recursive: true})
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
    .filter(file => !/[\\/](node_modules|dist|__pycache__)[\\/]/.test(file.slice(path.length)))
    .sort();
}

/** A digest of files and folders (relative to the root). */
export function digestOf(paths) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap(path => filesIn(join(root, path)))) {
    hash.update(`${file.slice(root.length)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** Does the work unless it was done for the same digest before. @returns whether it was done now. */
export async function whenChanged(name, digest, work) {
  const stamp = join(dev, 'stamps', name);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return false;
  await work();
  mkdirSync(dirname(stamp), {recursive: true});
  writeFileSync(stamp, digest);
  return true;
}
