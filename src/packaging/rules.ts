import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import ignore, {type Ignore} from 'ignore';

/** Never part of a package: what tools make, and what is fetched again elsewhere. */
const BUILT_IN = [
  '.git/',
  '.hg/',
  '.svn/',
  '.venv/',
  'venv/',
  'node_modules/',
  '__pycache__/',
  '*.pyc',
  '.mypy_cache/',
  '.pytest_cache/',
  '.ruff_cache/',
  '.ipynb_checkpoints/',
  '.tox/',
  '.DS_Store',
  '.cloudctlignore',
  '.dockerignore',
  '.gitignore',
];

/** Ignore files in the order in which they have their say; a later one can take back what an earlier one said. */
const IGNORE_FILES = ['.gitignore', '.dockerignore', '.cloudctlignore'] as const;

/** Names under which people keep secrets. Public halves and samples are not meant. */
const SECRET_NAMES = ignore().add([
  '.env',
  '.env.*',
  '!.env.example',
  '!.env.sample',
  '!.env.template',
  '*.pem',
  '*.key',
  '*.p12',
  '*.pfx',
  '*.keystore',
  'id_rsa',
  'id_dsa',
  'id_ecdsa',
  'id_ed25519',
  'credentials.json',
  'client_secret*.json',
  'service-account*.json',
  'service_account*.json',
  '.netrc',
  '.pypirc',
  '.npmrc',
  '.modal.toml',
  '.aws/credentials',
]);

/** As git on Linux: `Models/` is not `models/`. */
function caseful(): Ignore {
  return ignore({ignorecase: false});
}

interface Layer {
  file: string;
  /** The folder that the rules are relative to, with a slash at its end; empty at the top. */
  base: string;
  rules: Ignore;
}

export interface Verdict {
  ignored: boolean;
  /** Which file said so. */
  by: string | undefined;
  /** A rule of the project takes the file in by name (`!name`). */
  wanted: boolean;
}

/** The rules that hold in a folder of the project: built-in ones, then each ignore file from the top down. */
export class IgnoreRules {
  private constructor(private readonly layers: readonly Layer[]) {}

  static forProject(root: string): IgnoreRules {
    return new IgnoreRules([{file: 'built-in', base: '', rules: caseful().add(BUILT_IN)}]).within(root, '');
  }

  /** The rules inside `folder` (relative to the project, `/` between names), with the ignore files found there. */
  within(root: string, folder: string): IgnoreRules {
    const base = folder === '' ? '' : `${folder}/`;
    const names = folder === '' ? IGNORE_FILES : (['.gitignore', '.cloudctlignore'] as const);
    const added: Layer[] = [];
    for (const name of names) {
      const path = join(root, folder, name);
      if (!existsSync(path)) continue;
      const text = readFileSync(path, 'utf8');
      added.push({
        file: `${base}${name}`,
        base,
        rules: caseful().add(name === '.dockerignore' ? anchored(text) : text),
      });
    }
    return added.length === 0 ? this : new IgnoreRules([...this.layers, ...added]);
  }

  /** What the rules say of `path`, relative to the project; a folder's path ends with a slash. */
  judge(path: string): Verdict {
    let verdict: Verdict = {ignored: false, by: undefined, wanted: false};
    for (const {file, base, rules} of this.layers) {
      if (!path.startsWith(base) || path === base) continue;
      const {ignored, unignored} = rules.test(path.slice(base.length));
      if (ignored) verdict = {ignored: true, by: file, wanted: false};
      else if (unignored) verdict = {ignored: false, by: file, wanted: true};
    }
    return verdict;
  }
}

/** Patterns of `.dockerignore` are relative to the top; those of `.gitignore` without a slash match at any depth. */
function anchored(text: string): string {
  return text
    .split(/\r?\n/)
    .map(line => {
      const pattern = line.trim();
      if (pattern === '' || pattern.startsWith('#')) return pattern;
      const [sign, rest] = pattern.startsWith('!') ? ['!', pattern.slice(1)] : ['', pattern];
      return `${sign}/${rest.replace(/^\.?\//, '')}`;
    })
    .join('\n');
}

/** Whether a file's name says that it holds a secret. */
export function looksLikeSecret(path: string): boolean {
  return SECRET_NAMES.ignores(path);
}
