/**
 * From a fresh clone to a running function, with no account: installs, builds, installs the plugin as a user does,
 * and runs the commands of the README for real. Everything that it leaves is in the checkout, below `.quickstart`.
 *
 * `npm run quickstart -- --clean` stops the local server and removes that folder.
 */
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join, relative} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {buildAll, installPackages} from './setup.mjs';
import {capture, digestOf, npm, root, run} from './steps.mjs';

const home = join(root, '.quickstart');
const project = join(root, 'examples/image-generator');
const cli = join(root, 'bin/run.js');
const environment = {
  ...process.env,
  CLOUDCTL_DATA_DIR: join(home, 'data'),
  CLOUDCTL_CACHE_DIR: join(home, 'cache'),
  CLOUDCTL_CONFIG_DIR: join(home, 'config'),
};
// The tour is of the local target, whatever the user's shell says.
for (const name of ['CLOUDCTL_PROVIDER', 'CLOUDCTL_MODAL_TARGET']) delete environment[name];

/** Prints a command as a user types it, runs it, and ends the tour where it fails. A quiet one returns its output. */
async function step(args, {quiet = false, cwd = project} = {}) {
  if (!quiet) {
    console.log(`\n$ cloudctl ${args.map(quote).join(' ')}`);
    return run(process.execPath, [cli, ...args], {cwd, env: environment});
  }
  const {code, stdout, stderr} = await capture(process.execPath, [cli, ...args], {cwd, env: environment});
  if (code !== 0) throw new Error(`cloudctl ${args[0]} ended with ${code}: ${stderr || stdout}`);
  return stdout;
}

function quote(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

async function clean() {
  if (!existsSync(home)) return console.log('There is nothing to clean.');
  await endServer();
  rmSync(home, {recursive: true, force: true, maxRetries: 5});
  console.log(`Removed ${relative(process.cwd(), home) || home}`);
}

/** Ends the local server without the CLI, which may be neither installed nor built, or broken. */
async function endServer() {
  const state = join(environment.CLOUDCTL_DATA_DIR, 'providers/modal/local');
  const pids = new Set([
    readOr(join(state, 'server.lock'), Number),
    readOr(join(state, 'server.json'), JSON.parse)?.pid,
  ]);
  for (const pid of pids) {
    for (const [signal, seconds] of [
      ['SIGTERM', 10],
      ['SIGKILL', 3],
    ]) {
      if (!(await isServer(pid, state))) break;
      try {
        process.kill(pid, signal);
      } catch {
        // It has just ended.
      }
      for (const until = Date.now() + seconds * 1000; Date.now() < until && (await isServer(pid, state)); )
        await setTimeout(100);
    }
  }
}

/** Whether a process is the server of this state: ids come round again. */
async function isServer(pid, state) {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const command =
    process.platform === 'linux'
      ? readOr(`/proc/${pid}/cmdline`, text => text.replaceAll('\0', ' '))
      : (await capture('ps', ['-ww', '-o', 'command=', '-p', String(pid)])).stdout.trim();
  return command?.includes('modal_local') && `${command} `.includes(` --state ${state} `);
}

/** What a file says, or nothing where it is missing or says something else. */
function readOr(file, parse) {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether the plugin is there for the CLI: its files, and the entry that makes the CLI look for them. */
function hasPlugin() {
  const name = '@cloudctl/plugin-modal';
  const data = environment.CLOUDCTL_DATA_DIR;
  const listed = readOr(join(data, 'package.json'), JSON.parse)?.oclif?.plugins;
  const files = join(data, 'node_modules', name, 'package.json');
  return existsSync(files) && Array.isArray(listed) && listed.some(plugin => plugin.name === name);
}

/** Packs the plugin and installs the package, as a user would from a registry. Once for each state of its sources. */
async function installPlugin() {
  const digest = digestOf(['plugins/modal', 'packages/provider-sdk/src']);
  const stamp = join(home, 'plugin');
  if (hasPlugin() && readOr(stamp, text => text === digest)) return;
  mkdirSync(home, {recursive: true});
  console.log('\nPacking the Modal plugin ...');
  await npm(['pack', '--workspace', 'plugins/modal', '--pack-destination', home, '--silent', '--loglevel=error']);
  const {version} = JSON.parse(readFileSync(join(root, 'plugins/modal/package.json'), 'utf8'));
  await step(['plugins', 'install', `file://${join(home, `cloudctl-plugin-modal-${version}.tgz`)}`, '--silent'], {
    cwd: root,
  });
  writeFileSync(stamp, digest);
}

async function callOverHttp() {
  const {data} = JSON.parse(
    await step(
      ['list', 'ai', '--provider', 'modal', '--target', 'local', '--filter', 'name=generate-image', '--json'],
      {quiet: true},
    ),
  );
  const {url} = data.resources[0];
  const lines = await step(['modal', 'local', 'env'], {quiet: true});
  const value = name => new RegExp(`^export ${name}='(.*)'$`, 'm').exec(lines)?.[1];
  console.log(
    `\n$ eval "$(cloudctl modal local env)"\n$ curl -H "Modal-Key: $MODAL_TOKEN_ID" -H "Modal-Secret: $MODAL_TOKEN_SECRET" '${url}?color=%23e11d48'`,
  );
  const headers = {'Modal-Key': value('MODAL_TOKEN_ID'), 'Modal-Secret': value('MODAL_TOKEN_SECRET')};
  const answer = await fetch(`${url}?color=%23e11d48`, {headers, signal: AbortSignal.timeout(60_000)});
  const body = await answer.text();
  console.log(`${answer.status} ${answer.headers.get('content-type')}\n${body}`);
  if (!answer.ok) throw new Error(`The function answered ${answer.status}`);
  const refused = await fetch(url, {signal: AbortSignal.timeout(60_000)});
  console.log(`\nThe same without the headers: ${refused.status} ${await refused.text()}`);
  if (refused.status !== 401) throw new Error('The private URL answered without credentials');
}

async function tour() {
  const began = Date.now();
  await installPackages();
  await buildAll();
  await installPlugin();
  const where = ['--provider', 'modal', '--target', 'local'];
  await step(['providers']);
  await step(['modal', 'setup']);
  await step([
    'deploy',
    'ai',
    'image-generator',
    ...where,
    '--app',
    'ai-app',
    '--name',
    'generate-image',
    '--runtime',
    'python311',
    '--handler',
    'main.handler',
    '--image',
    'modal/python:3.11',
  ]);
  await step(['deploy', 'storage', 'model-store', ...where, '--name', 'trained-models', '--size', '100']);
  await step(['list', 'ai', ...where]);
  await step(['list', 'storage', ...where]);
  await step(['cost', ...where]);
  await step(['call', 'ai', 'image-generator', ...where, '--data', '{"width": 8, "height": 8}']);
  await callOverHttp();
  console.log(
    `\nDone in ${Math.round((Date.now() - began) / 1000)} seconds. All of it is in ${relative(process.cwd(), home) || home}; npm's and pip's own caches aside, nothing else was touched.`,
  );
  console.log('A local server keeps running there. Remove everything: npm run quickstart -- --clean');
}

try {
  await (process.argv.includes('--clean') ? clean() : tour());
} catch (error) {
  console.error(`quickstart: ${error.message.replace(/\s+/g, ' ').trim().slice(0, 1000)}`);
  process.exitCode = 1;
}
