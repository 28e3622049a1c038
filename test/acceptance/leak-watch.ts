import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';

/** Values that must turn up nowhere, in each form in which they could. */
export class Markers {
  readonly #forms: readonly {name: string; bytes: Buffer}[];

  /** @param values by what they are called in a report. */
  constructor(values: Readonly<Record<string, string>>) {
    this.#forms = Object.entries(values).flatMap(([name, value]) => [
      {name, bytes: Buffer.from(value)},
      // Without the last characters, which depend on what follows.
      {
        name: `${name} (base64)`,
        bytes: Buffer.from(
          Buffer.from(value)
            .toString('base64')
            .replace(/.{0,3}=*$/, ''),
        ),
      },
      {name: `${name} (hex)`, bytes: Buffer.from(Buffer.from(value).toString('hex'))},
      {name: `${name} (UTF-16)`, bytes: Buffer.from(value, 'utf16le')},
    ]);
  }

  /** Names of the markers in it. */
  in(content: Buffer | string): string[] {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    return this.#forms.filter(form => bytes.includes(form.bytes)).map(({name}) => name);
  }

  /** Looks through every file below a folder, names of files included; `known` are where a marker is meant to be. */
  below(folder: string, known: ReadonlySet<string>): string[] {
    const hits: string[] = [];
    for (const name of readdirSync(folder, {recursive: true, encoding: 'utf8'})) {
      const path = join(folder, name);
      hits.push(...this.in(name).map(marker => `${marker} in the name ${path}`));
      if (known.has(path) || !statSync(path, {throwIfNoEntry: false})?.isFile()) continue;
      hits.push(...this.in(readFileSync(path)).map(marker => `${marker} in ${path}`));
    }
    return hits;
  }
}

/** Looks at argv and environment of every process, again and again. */
export class ProcessWatch {
  readonly hits = new Set<string>();
  /** Processes that were seen, by the end of their command line. */
  readonly seen = new Set<string>();
  /** Processes whose environment the user filled: the CLI's own. */
  readonly exempt = new Set<number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly markers: Markers) {}

  start(): void {
    this.#timer = setInterval(() => this.look(), 30);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const argv = contentOf(`/proc/${name}/cmdline`);
      if (argv === undefined) continue;
      const title = argv.toString().replaceAll('\0', ' ').trim();
      for (const part of ['child.py', 'keyring-helper.js', 'modal_local'])
        if (title.includes(part)) this.seen.add(part);
      for (const marker of this.markers.in(argv)) this.hits.add(`${marker} in the arguments of: ${title}`);
      if (this.exempt.has(Number(name)) || this.#isFork(name, title)) continue;
      for (const marker of this.markers.in(contentOf(`/proc/${name}/environ`) ?? ''))
        this.hits.add(`${marker} in the environment of: ${title}`);
    }
  }

  /** A child of the CLI in the instant before it becomes another program: still the CLI's own memory. */
  #isFork(pid: string, title: string): boolean {
    if (!title.includes(CLI)) return false;
    const parent = /^PPid:\s+(\d+)$/m.exec(contentOf(`/proc/${pid}/status`)?.toString() ?? '')?.[1];
    return this.exempt.has(Number(parent));
  }
}

/** End of the CLI's command line before its arguments. */
const CLI = 'bin/run.js ';

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
