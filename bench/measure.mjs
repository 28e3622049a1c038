/** Measuring on a noisy machine: subjects take turns, the median counts, and only ratios within one run mean anything. */
import {spawn} from 'node:child_process';
import {join} from 'node:path';
import {performance} from 'node:perf_hooks';
import {pathToFileURL} from 'node:url';
import {build} from 'esbuild';
import {root} from '../scripts/steps.mjs';

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Milliseconds that the work takes. */
export async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/**
 * Runs every subject once a round, after one round that does not count.
 *
 * @returns median milliseconds by subject
 */
export async function compare(subjects, rounds) {
  const samples = Object.fromEntries(Object.keys(subjects).map(name => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, work] of Object.entries(subjects)) {
      const elapsed = await timed(work);
      if (round >= 0) samples[name].push(elapsed);
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)]));
}

/** A whole process, its output thrown away. */
export function command(file, args, options = {}) {
  return () =>
    new Promise((done, fail) => {
      const child = spawn(file, args, {stdio: ['ignore', 'ignore', 'pipe'], ...options});
      let stderr = '';
      child.stderr.on('data', chunk => {
        stderr += chunk;
      });
      child.on('error', fail);
      child.on('close', code =>
        code === 0 ? done() : fail(new Error(`${file} ${args.join(' ')} ended with ${code}: ${stderr}`)),
      );
    });
}

/** A table of medians with their ratio to one of them. */
export function report(title, medians, base, aim) {
  console.log(`\n${title}${aim === undefined ? '' : ` (aim: ${aim})`}`);
  const width = Math.max(...Object.keys(medians).map(name => name.length));
  for (const [name, value] of Object.entries(medians)) {
    const ratio = name === base ? '' : `   ${(value / medians[base]).toFixed(2)} x`;
    console.log(`  ${name.padEnd(width)}  ${value.toFixed(1).padStart(9)} ms${ratio}`);
  }
}

/** Bundles sources of the project beside their package's dependencies, and imports the result. */
export async function importSources(contents, outfile) {
  const bundle = join(root, outfile);
  await build({
    stdin: {contents, resolveDir: root},
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
    alias: {'@cloudctl/provider-sdk': join(root, 'packages/provider-sdk/src/index.ts')},
  });
  return import(pathToFileURL(bundle).href);
}
