import {byteText, PatternList, type Rule} from './patterns.js';

/** Never part of a package, whatever an ignore file says: a repository holds every secret that it ever held. */
const REPOSITORIES = ['.git', '.git/', '.hg/', '.svn/'];

/** Not part of a package unless `.cloudctlignore` takes it in: what tools make, and what is fetched again elsewhere. */
const LEFT_OUT = [
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
  'cloudctl.yaml',
  'cloudctl.yml',
  '.cloudctlignore',
  '.dockerignore',
  '.gitignore',
];

/** Ignore files in the order in which they have their say; a later one can take back what an earlier one said. */
const AT_THE_TOP = ['.gitignore', '.dockerignore', '.cloudctlignore'] as const;
const INSIDE = ['.gitignore', '.cloudctlignore'] as const;

export type IgnoreFile = (typeof AT_THE_TOP)[number];

/** The ignore files that count in `folder`, relative to the project. */
export function ignoreFilesOf(folder: string): readonly IgnoreFile[] {
  return folder === '' ? AT_THE_TOP : INSIDE;
}

/** Names under which people keep secrets, whatever their case. Public halves and samples are not meant. */
const SECRET_NAME =
  /^(?:\.env(?:\..*)?|.*\.(?:pem|key|p12|pfx|keystore)|id_(?:[rd]sa|ecdsa|ed25519)|credentials\.json|client_secret.*\.json|service[-_]account.*\.json|\.netrc|\.pypirc|\.npmrc|\.modal\.toml)$/i;
const SAMPLE_NAME = /^\.env\.(?:example|sample|template)$/i;

interface Layer {
  /** Length of the path of the folder that the patterns are relative to, with its slash; 0 at the top. */
  skip: number;
  patterns: PatternList;
}

const builtIn = new PatternList([...LEFT_OUT, ...REPOSITORIES].join('\n'), 'built-in');
const isRepository = (rule: Rule): boolean => REPOSITORIES.some(pattern => rule.by === `built-in: ${pattern}`);

/** The rules that hold in a folder of the project: built-in ones, then each ignore file from the top down. */
export class IgnoreRules {
  /** What holds at the top before any ignore file is read. */
  static readonly BUILT_IN = new IgnoreRules([]);

  private constructor(private readonly layers: readonly Layer[]) {}

  /** The rules inside `folder` (relative to the project, `/` between names), with the ignore files found there. */
  within(folder: string, files: readonly {name: IgnoreFile; text: string}[]): IgnoreRules {
    if (files.length === 0) return this;
    const base = folder === '' ? '' : `${folder}/`;
    const added = files.map(({name, text}) => ({
      skip: base.length,
      patterns:
        name === '.dockerignore' ? PatternList.docker(text, `${base}${name}`) : new PatternList(text, `${base}${name}`),
    }));
    return new IgnoreRules([...this.layers, ...added]);
  }

  /**
   * The rule that decides about an entry of this folder; none where it is taken because nothing speaks against it.
   *
   * @param path relative to the project, `/` between names, none at the end.
   */
  judge(name: string, path: string, isFolder: boolean): Rule | undefined {
    const bytes = byteText(name);
    const usual = builtIn.match(bytes, path, 0, isFolder);
    if (usual !== undefined && isRepository(usual)) return usual;
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const {patterns, skip} = this.layers[i]!;
      const rule = patterns.match(bytes, path, skip, isFolder);
      // `*` and `!*/` are how people write a .gitignore that lists what is wanted: not a wish for node_modules.
      if (rule !== undefined && (usual === undefined || !rule.negative || rule.isOwn)) return rule;
    }
    return usual;
  }
}

/** Whether a file's name says that it holds a secret. */
export function looksLikeSecret(name: string, path: string): boolean {
  if (name === 'credentials') return /(?:^|\/)\.aws\/credentials$/.test(path);
  return SECRET_NAME.test(name) && !SAMPLE_NAME.test(name);
}
