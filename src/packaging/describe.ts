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

/** What a package holds, as it stands in a plan's JSON. */
export function packageToJson(content: ProjectPackage): {
  digest: string;
  files: number;
  bytes: number;
  biggest: object[];
  ignored: object[];
} {
  const biggest = [...content.files].sort((a, b) => b.size - a.size).slice(0, 10);
  return {
    digest: content.digest,
    files: content.files.length,
    bytes: content.bytes,
    biggest: biggest.map(({path, size}) => ({path, bytes: size})),
    ignored: content.ignored.map(({path, by}) => ({path, by})),
  };
}
