/**
 * Sets up what is missing, runs jest and pytest, and ends with one line: `N passed, N failed`.
 *
 * Words after `--` choose tests: `npm test -- ledger` runs the jest files whose path has it, and no pytest. `--soak` runs
 * what takes long: many more random sequences and processes.
 */
import {mkdirSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {buildAll, installPackages, makePythonEnvironment} from './setup.mjs';
import {dev, root, run, venvPython} from './steps.mjs';

const soak = process.argv.includes('--soak');
const words = process.argv.slice(2).filter(word => word !== '--soak');
const chosen = soak && words.length === 0 ? ['interrupted'] : words;
const reports = join(dev, 'reports');
const jestReport = join(reports, 'jest.json');
const python = join(root, 'plugins/modal/python');
const pytestSuites = readdirSync(join(python, 'tests')).filter(name => /^[a-z]+$/.test(name));
const pytestReport = suite => join(reports, `pytest-${suite}.xml`);

await installPackages();
await Promise.all([buildAll(), makePythonEnvironment()]);
rmSync(reports, {recursive: true, force: true});
mkdirSync(reports, {recursive: true});

const environment = {
  ...process.env,
  NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
  CLOUDCTL_TEST_PYTHON: venvPython,
  NO_COLOR: '1',
  ...(soak ? {CLOUDCTL_SOAK: '1'} : {}),
};
const failures = [];
const attempt = async (name, work) => {
  try {
    await work();
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
  }
};

const runJest = () =>
  run(
    process.execPath,
    ['node_modules/jest/bin/jest.js', '--json', `--outputFile=${jestReport}`, '--maxWorkers=2', ...chosen],
    {env: environment},
  );
// One after the other, and pytest by suite: each keeps both cores busy, and no test waits for long.
await attempt('jest', runJest);
if (chosen.length === 0) {
  const runPytest = suite =>
    run(venvPython, ['-m', 'pytest', `tests/${suite}`, `--junitxml=${pytestReport(suite)}`], {
      cwd: python,
      env: process.env,
    });
  await Promise.all(pytestSuites.map(suite => attempt(`pytest ${suite}`, () => runPytest(suite))));
}

const totals = {passed: 0, failed: 0, skipped: 0};
try {
  const jest = JSON.parse(readFileSync(jestReport, 'utf8'));
  totals.passed += jest.numPassedTests;
  // A file that does not even load counts, though none of its tests ran.
  totals.failed += jest.numFailedTests + jest.numRuntimeErrorTestSuites;
  totals.skipped += jest.numPendingTests;
} catch {
  failures.push('jest left no report');
}
for (const suite of chosen.length === 0 ? pytestSuites : []) {
  try {
    const [, attributes] = /<testsuite ([^>]*)>/.exec(readFileSync(pytestReport(suite), 'utf8'));
    const count = name => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(attributes)?.[1] ?? 0);
    totals.failed += count('failures') + count('errors');
    totals.skipped += count('skipped');
    totals.passed += count('tests') - count('failures') - count('errors') - count('skipped');
  } catch {
    failures.push(`pytest left no report of ${suite}`);
  }
}
for (const failure of failures) console.error(failure);
if (failures.length > 0 && totals.failed === 0) totals.failed = 1;
if (totals.failed > 0 || totals.passed === 0) process.exitCode = 1;
console.log(
  `${totals.passed} passed, ${totals.failed} failed${totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''}`,
);
