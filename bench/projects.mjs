/** Deploys of whole projects: where nothing changed, and many functions at once. */
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {root, venvPython} from '../scripts/steps.mjs';
import {command, compare, report, timed} from './measure.mjs';

const FUNCTIONS = 50;

/**
 * @param home folder of the bench; `env` has Local Modal's machine, `pointed` what points the stock command to it
 */
export async function benchProjects({home, env, pointed}) {
  const cli = join(root, 'bin/run.js');
  const cloudctl = (cwd, ...args) => command(process.execPath, [cli, ...args], {env, cwd});

  const same = join(home, 'same');
  mkdirSync(same, {recursive: true});
  writeFileSync(join(same, 'main.py'), 'def handler(x=1):\n    return x\n');
  writeFileSync(
    join(same, 'theirs.py'),
    'import modal\n\napp = modal.App("bench-theirs", image=modal.Image.debian_slim(python_version="3.11").add_local_python_source("main"))\n\n\n@app.function()\ndef handler(x=1):\n    from main import handler\n\n    return handler(x)\n',
  );
  const deploy = cloudctl(same, 'deploy', 'ai', 'same', '--app', 'bench-ours');
  const stock = command(venvPython, ['-m', 'modal', 'deploy', 'theirs.py'], {cwd: same, env: {...env, ...pointed}});
  await deploy();
  report(
    'A deploy without changes, to the same Local Modal',
    await compare({'modal deploy': stock, 'deploy ai': deploy}, 9),
    'modal deploy',
    'at most 0.5 x',
  );

  const many = join(home, 'many');
  mkdirSync(many, {recursive: true});
  const names = Array.from({length: FUNCTIONS}, (_, i) => `f${i}`);
  writeFileSync(join(many, 'main.py'), names.map((name, i) => `def ${name}():\n    return ${i}\n`).join('\n\n'));
  const resources = names.map(name => `  ${name}: {type: ai, app: many, handler: main.${name}}`);
  writeFileSync(join(many, 'cloudctl.yaml'), ['version: 1', 'resources:', ...resources, ''].join('\n'));
  const apply = cloudctl(many, 'apply', '--yes');
  report(
    `apply of ${FUNCTIONS} functions of one app`,
    {
      'node -e 0': await timed(command(process.execPath, ['-e', '0'], {env})),
      'apply, first': await timed(apply),
      'apply, nothing changed': await timed(apply),
    },
    'apply, first',
  );
}
