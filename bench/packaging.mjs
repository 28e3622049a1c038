/** Packaging: the plan of a 50,000-file tree against `git status` on the same tree, and copies against `tar`. */
import {copyFileSync, mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {pathToFileURL} from 'node:url';
import {root} from '../scripts/steps.mjs';
import {command, compare, importSources, median, report, timed} from './measure.mjs';

const FOLDERS = 500;
const FILES = 100;
const ROUNDS = 7;

const CLOUDCTL_YAML = `version: 1
provider: modal
target: local
resources:
  job:
    type: ai
    app: bench
    handler: main.handler
`;

/** Small files in many folders, as a data-heavy project has them, in a git repository of their own. */
function makeTree(tree) {
  for (let folder = 0; folder < FOLDERS; folder++) {
    const place = join(tree, `group${folder % 25}`, `folder${folder}`);
    mkdirSync(place, {recursive: true});
    for (let file = 0; file < FILES; file++)
      writeFileSync(join(place, `file${file}.py`), `value = ${folder * FILES + file}\n`.repeat(20));
  }
  writeFileSync(join(tree, 'main.py'), 'def handler() -> int:\n    return 1\n');
  writeFileSync(join(tree, 'cloudctl.yaml'), CLOUDCTL_YAML);
  writeFileSync(join(tree, '.gitignore'), '*.log\nbuild/\n/out\n!keep.log\n');
}

/** As `compare`, with something to do before each run that does not count. */
async function compareAfter(subjects, rounds) {
  const samples = Object.fromEntries(Object.keys(subjects).map(name => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, {before, work}] of Object.entries(subjects)) {
      before();
      const elapsed = await timed(work);
      if (round >= 0) samples[name].push(elapsed);
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)]));
}

/** The command that plans the tree; `options` have the environment. */
const planCommand = (cli, tree, options) => command(process.execPath, [cli, 'plan'], {...options, cwd: tree});

async function plans({home, cli, env}) {
  const tree = join(home, 'plan-tree');
  makeTree(tree);
  const identity = {GIT_AUTHOR_NAME: 'b', GIT_AUTHOR_EMAIL: 'b@b', GIT_COMMITTER_NAME: 'b', GIT_COMMITTER_EMAIL: 'b@b'};
  const git = (...args) => command('git', args, {cwd: tree, env: {...process.env, ...identity}});
  await git('init', '-q')();
  // Neither git nor CloudCTL trusts a time stamp that is younger than its clock's steps.
  await sleep(3000);
  await git('add', '-A')();
  await git('commit', '-qm', 'All')();
  const index = join(tree, '.git', 'index');
  const kept = name => join(home, `index-${name}`);
  await git('read-tree', 'HEAD')();
  copyFileSync(index, kept('without-stamps'));
  await git('read-tree', '--empty')();
  await git('add', '-A')();
  copyFileSync(index, kept('after-add'));

  const bundle = join(root, 'dist/bench/packaging.mjs');
  const read = `const {readPackage} = await import('${pathToFileURL(bundle).href}'); readPackage(process.cwd(), {cacheDirectory: process.env.CLOUDCTL_CACHE_DIR})`;
  const library = command(process.execPath, ['--input-type=module', '-e', read], {cwd: tree, env});
  const plan = planCommand(cli, tree, {env});
  const status = git('status', '--porcelain');
  const forget = () => rmSync(join(env.CLOUDCTL_CACHE_DIR, 'packages'), {recursive: true, force: true});
  const restore = name => () => copyFileSync(kept(name), index);

  const count = (FOLDERS * FILES).toLocaleString('en');
  const cold = {
    'git status, first after git add': {before: restore('after-add'), work: status},
    'git status, that has to read each file': {before: restore('without-stamps'), work: status},
    'reading the package, nothing remembered': {before: forget, work: library},
    'cloudctl plan, nothing remembered': {before: forget, work: plan},
  };
  const coldTimes = await compareAfter(cold, ROUNDS);
  const [first, reading] = Object.keys(cold);
  report(`Plan of ${count} files, cold`, coldTimes, first, 'at most 2 x');
  report('The same, against a git that has to read the files too', coldTimes, reading, 'at most 2 x');

  await status();
  await library();
  const warm = await compare(
    {
      'git status': status,
      'reading the package': library,
      'cloudctl plan': plan,
      'cloudctl --version': command(process.execPath, [cli, '--version'], {env}),
    },
    ROUNDS,
  );
  report(`Plan of ${count} files, warm`, warm, 'git status', 'below 1 x');
}

async function copies({home}, {readPackage, Snapshots}) {
  const tree = join(home, 'copy-tree');
  for (let folder = 0; folder < 200; folder++) {
    mkdirSync(join(tree, `folder${folder}`), {recursive: true});
    for (let file = 0; file < FILES; file++)
      writeFileSync(join(tree, `folder${folder}`, `file${file}.py`), `value = ${folder * FILES + file}\n`.repeat(20));
  }
  let round = 0;
  const subjects = {
    'tar -cf': command('tar', ['-cf', join(home, 'tree.tar'), '-C', tree, '.']),
    'digest only (nothing changed)': async () => readPackage(tree),
    'digest and snapshot': async () => new Snapshots(join(home, `snapshots${round++}`)).keep(readPackage(tree)),
  };
  report('Packaging 20,000 files', await compare(subjects, 3), 'tar -cf');
}

/** @param place where things may be written (`home`), the built `cli`, and the environment (`env`) to run it in. */
export async function benchPackaging(place) {
  const sources =
    "export {readPackage} from './src/packaging/package.ts'; export {Snapshots} from './src/ledger/snapshots.ts';";
  const library = await importSources(sources, 'dist/bench/packaging.mjs');
  await plans(place);
  await copies(place, library);
}
