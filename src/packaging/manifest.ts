import {hash} from 'node:crypto';
import type {ProjectPackage} from './package.js';

export interface ManifestEntry {
  /** SHA-256 of the content, in hexadecimal. */
  hash: string;
  size: number;
  executable: boolean;
}

/** What a package holds, by path, in the order of its files. */
export type PackageManifest = ReadonlyMap<string, ManifestEntry>;

/** How one package differs from another, in paths, sorted. */
export interface PackageDelta {
  added: string[];
  changed: string[];
  removed: string[];
}

export function manifestFor({files, hashes}: ProjectPackage): PackageManifest {
  return new Map(files.map(({path, size, executable}, i) => [path, {hash: hashes[i]!, size, executable}]));
}

export function deltaBetween(before: PackageManifest, after: PackageManifest): PackageDelta {
  const delta: PackageDelta = {added: [], changed: [], removed: []};
  for (const [path, entry] of after) {
    const old = before.get(path);
    if (old === undefined) delta.added.push(path);
    else if (old.hash !== entry.hash || old.executable !== entry.executable) delta.changed.push(path);
  }
  for (const path of before.keys()) if (!after.has(path)) delta.removed.push(path);
  for (const paths of Object.values(delta)) paths.sort();
  return delta;
}

/** The digest of a package: of names, contents and executable bits, in the order of the files. */
export function digestOf(files: readonly {path: string; executable: boolean}[], hashes: readonly string[]): string {
  const lines = files.map(({path, executable}, i) => `${executable ? 'x' : '-'} ${hashes[i]} ${path}\0`);
  return `sha256:${hash('sha256', lines.join(''), 'hex')}`;
}

/** A manifest as text; {@link parseManifest} reads it back. */
export function formatManifest(manifest: PackageManifest): string {
  return JSON.stringify([...manifest].map(([path, {hash, size, executable}]) => [path, hash, size, executable]));
}

/** The manifest with this digest; undefined where the text is damaged or is another's. */
export function parseManifest(text: string, digest: string): PackageManifest | undefined {
  try {
    const rows = JSON.parse(text) as [path: string, hash: string, size: number, executable: boolean][];
    const entries = rows.map(([path, hash, size, executable]) => ({path, hash, size, executable}));
    const own = digestOf(
      entries,
      entries.map(({hash}) => hash),
    );
    return own === digest ? new Map(entries.map(({path, ...entry}) => [path, entry])) : undefined;
  } catch {
    return undefined;
  }
}
