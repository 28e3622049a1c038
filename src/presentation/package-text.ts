import {biggestFiles, describeSize, formatBytes, ignoredSummary} from '../packaging/describe.js';
import type {ProjectPackage} from '../packaging/package.js';
import {isLarge} from '../services/package-size.js';

/** How many of the biggest files a plan names. */
const BIGGEST = 10;

/** Files and bytes, and what a large package takes. */
export function sizeText(content: ProjectPackage): string {
  const size = describeSize(content.files.length, content.bytes);
  return isLarge(content) ? `${size}: over 100 MB, so deploying it asks first, or takes --yes` : size;
}

/** The biggest files, a line each; nothing for a package of one file. */
export function biggestLines(content: ProjectPackage): string[] {
  if (content.files.length < 2) return [];
  const biggest = biggestFiles(content, BIGGEST).map(({path, size}) => ({path, size: formatBytes(size)}));
  const width = Math.max(...biggest.map(({size}) => size.length));
  return biggest.map(({path, size}) => `${size.padStart(width)}  ${path}`);
}

/** A package as a block of its own. */
export function packageLines(content: ProjectPackage): string[] {
  return [
    `Package ${content.root}: ${sizeText(content)}`,
    ...biggestLines(content).map((line, i) => `    ${i === 0 ? 'biggest:' : '        '} ${line}`),
    ...ignoredSummary(content).map(line => `    ignored: ${line}`),
  ];
}
