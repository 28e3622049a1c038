/** Everything that reads the sources without running them: both linters, both formatters, both type checkers. */
import {join} from 'node:path';
import {root, run, venvPython} from './steps.mjs';

const python = {cwd: join(root, 'plugins/modal/python')};
const checks = [
  ['biome', () => run(process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'check', '.'])],
  ['tsc', () => run(process.execPath, ['node_modules/typescript/bin/tsc', '-b'])],
  ['ruff', () => run(venvPython, ['-m', 'ruff', 'check', '.'], python)],
  ['ruff format', () => run(venvPython, ['-m', 'ruff', 'format', '--check', '.'], python)],
  ['mypy', () => run(venvPython, ['-m', 'mypy'], python)],
];
const failed = [];
for (const [name, check] of checks) {
  console.log(`> ${name}`);
  await check().catch(() => failed.push(name));
}
if (failed.length > 0) {
  console.error(`Failed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
