import type {PackagedFile} from './files.js';
import type {PackageDelta} from './manifest.js';
import type {ProjectPackage} from './package.js';

/** `1 file, 240 B`; sizes in powers of 1000. */
export function describeSize(files: number, bytes: number): string {
  return `${files} file${files === 1 ? '' : 's'}, ${formatBytes(bytes)}`;
}

/** Bytes for people, with at most one digit after the point. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : Number(value.toFixed(1))} ${units[unit]}`;
}

/** The biggest files of a package, biggest first. */
export function biggestFiles({files}: ProjectPackage, count: number): readonly PackagedFile[] {
  return [...files].sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1)).slice(0, count);
}

/**
 * What was left out by which rule, most first: `12 by .gitignore: *.csv`, and for a single one its path. A folder that
 * is ignored as a whole counts once. That files about packaging are left out goes without saying.
 */
export function ignoredSummary({ignored}: Pick<ProjectPackage, 'ignored'>): string[] {
  const byRule = new Map<string, string[]>();
  for (const {path, by} of ignored) {
    if (/^built-in: (cloudctl\.ya?ml|\.(cloudctl|docker|git)ignore)$/.test(by)) continue;
    const paths = byRule.get(by);
    if (paths === undefined) byRule.set(by, [path]);
    else paths.push(path);
  }
  return [...byRule]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([by, paths]) => `${paths.length === 1 ? paths[0] : paths.length} by ${by}`);
}

/** What a package holds, as it stands in a plan's JSON. */
export function packageToJson(content: ProjectPackage, delta?: PackageDelta): PackageJson {
  return {
    digest: content.digest,
    files: content.files.length,
    bytes: content.bytes,
    biggest: biggestFiles(content, 10).map(({path, size}) => ({path, bytes: size})),
    ignored: content.ignored.map(({path, by}) => ({path, by})),
    ...(delta === undefined ? {} : {delta}),
  };
}

export interface PackageJson {
  digest: string;
  files: number;
  bytes: number;
  biggest: {path: string; bytes: number}[];
  ignored: {path: string; by: string}[];
  /** Against the package that was deployed last, where that is known. */
  delta?: PackageDelta;
}
