import {type ChildProcess, spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';

export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const executable = join(repository, 'bin/run.js');

/** An interpreter that has the SDK: the tests' own environment. */
export const python = process.env['CLOUDCTL_TEST_PYTHON'] ?? join(repository, '.dev/venv/bin/python');

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  stdin?: string;
  /** Milliseconds after which the command is killed and the test fails. */
  limit?: number;
}

/** A machine of its own: empty home, own data, the Modal plugin linked, the local target. */
export class Machine {
  readonly home = mkdtempSync(join(tmpdir(), 'cloudctl-test-'));
  readonly dataDirectory = join(this.home, 'data');
  readonly env: Readonly<Record<string, string>>;

  constructor({plugins = ['plugins/modal'], target = 'local'}: {plugins?: readonly string[]; target?: string} = {}) {
    this.env = {
      PATH: process.env['PATH']!,
      HOME: this.home,
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
      CLOUDCTL_DATA_DIR: this.dataDirectory,
      CLOUDCTL_CACHE_DIR: join(this.home, 'cache'),
      CLOUDCTL_CONFIG_DIR: join(this.home, 'config'),
      CLOUDCTL_MODAL_PYTHON: python,
      CLOUDCTL_MODAL_TARGET: target,
    };
    mkdirSync(this.dataDirectory, {recursive: true});
    // What `plugins link` writes; the quickstart and the packaging test install for real.
    const links = plugins.map(path => ({
      name: path === 'plugins/modal' ? '@cloudctl/plugin-modal' : path,
      root: resolve(repository, path),
      type: 'link',
    }));
    writeFileSync(
      join(this.dataDirectory, 'package.json'),
      JSON.stringify({private: true, oclif: {schema: 1, plugins: links}, dependencies: {}}),
    );
  }

  /** A project directory with these files. */
  project(files: Readonly<Record<string, string>>, name = 'project'): string {
    const directory = join(this.home, name);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), {recursive: true});
      writeFileSync(join(directory, path), content);
    }
    return directory;
  }

  start(args: readonly string[], options: RunOptions = {}): ChildProcess {
    return spawn(process.execPath, [executable, ...args], {
      cwd: options.cwd ?? this.home,
      env: {...this.env, ...options.env},
      stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
  }

  /** Runs the built CLI to its end. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const child = this.start(args, options);
    child.stdin?.end(options.stdin);
    return finished(child, options.limit ?? 60_000, args.join(' '));
  }

  /** Runs with `--json` and returns the data; fails with the error where there is one. */
  async data<T = Record<string, unknown>>(args: readonly string[], options: RunOptions = {}): Promise<T> {
    const {stdout, stderr, code} = await this.run([...args, '--json'], options);
    const document = JSON.parse(stdout) as {data?: T; error?: object};
    if (document.data === undefined) throw new Error(`${args.join(' ')}: exit ${code}: ${stdout}${stderr}`);
    return document.data;
  }

  /** Stops the local server and removes everything. */
  async dispose(): Promise<void> {
    await this.run(['modal', 'local', 'stop']);
    rmSync(this.home, {recursive: true, force: true, maxRetries: 3});
  }
}

/** Waits for a process's end and collects its output. */
export function finished(child: ChildProcess, limit: number, title: string): Promise<Outcome> {
  return new Promise((done, fail) => {
    const outcome: Outcome = {code: null, stdout: '', stderr: ''};
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(new Error(`${title} did not end within ${limit} ms\n${outcome.stdout}${outcome.stderr}`));
    }, limit);
    child.stdout?.on('data', (chunk: Buffer) => {
      outcome.stdout += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      outcome.stderr += chunk.toString();
    });
    child.on('error', fail);
    child.on('close', code => {
      clearTimeout(timer);
      done({...outcome, code});
    });
  });
}
