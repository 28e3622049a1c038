import {execFileSync, spawn} from 'node:child_process';
import {chmodSync, existsSync, truncateSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {afterAll, describe, expect, test} from '@jest/globals';
import {executable, finished, Machine} from './harness.js';
import {onTerminal} from './terminal.js';
import {expectRefused, type Told, told, toldBy} from './told.js';

const machine = new Machine();
afterAll(() => machine.dispose());

const HANDLER = 'def handler(x=1):\n    return x\n';
let count = 0;

/** A project of its own for each test. */
function project(files: Readonly<Record<string, string>>): string {
  return machine.project({'main.py': HANDLER, ...files}, `project-${++count}`);
}

const planOf = (cwd: string, ...flags: string[]): Promise<Told> => told(machine, ['plan', 'ai', 'x', ...flags], {cwd});

/** The files of the package that would go up. */
function packageOf({data}: Told): {files: number; biggest: {path: string}[]; ignored: {path: string; by: string}[]} {
  const [planned] = data!['resources'] as {package: ReturnType<typeof packageOf>}[];
  return planned!.package;
}

type Refusal = readonly [exitCode: number, error: string, ...says: (string | RegExp)[]];

describe('what works', () => {
  test('import cycles, a namespace package, Latin-1 with a cookie, a path with spaces and letters beyond ASCII', async () => {
    const cwd = machine.project(
      {
        'main.py': [
          'import one',
          'import words',
          'from tools.deep import calc',
          '',
          '',
          'def handler():',
          '    return [one.first(), calc.V, words.W]',
          '',
        ].join('\n'),
        'one.py': 'import two\n\n\ndef first():\n    return two.second()\n\n\ndef third():\n    return "round"\n',
        'two.py': 'import one\n\n\ndef second():\n    return one.third()\n',
        'tools/deep/calc.py': 'V = 3\n',
      },
      'Projekt für alle/Größe 2',
    );
    writeFileSync(join(cwd, 'words.py'), Buffer.from('# -*- coding: latin-1 -*-\nW = "caf\xe9"\n', 'latin1'));
    const deployed = await told(machine, ['deploy', 'ai', 'round'], {cwd});
    expect(deployed).toMatchObject({code: 0, warnings: [], data: {resource: {app: 'Grosse-2'}}});
    expect(await machine.data(['call', 'ai', 'round'])).toEqual({value: ['round', 3, 'café']});
  });

  test('requirements by -r and -c, with hashes, and an editable install: what they bring is not missed', async () => {
    const imports = ['requests', 'yaml', 'numpy', 'mylib'];
    const cwd = project({
      'main.py': `${imports.map(name => `import ${name}\n`).join('')}\n\n${HANDLER}`,
      'requirements.txt': [
        '-r more/base.txt',
        '-c constraints.txt',
        '-e ./libs/mylib#egg=mylib',
        `numpy==1.26.4 --hash=sha256:${'a'.repeat(64)} \\`,
        `    --hash=sha256:${'b'.repeat(64)}`,
        '',
      ].join('\n'),
      'more/base.txt': 'requests>=2 # for the shop\nPyYAML; python_version > "3"\n',
      'constraints.txt': 'requests<3\n',
      'libs/mylib/pyproject.toml': '[project]\nname = "mylib"\nversion = "1"\n',
      'libs/mylib/mylib/__init__.py': '',
    });
    expect(await planOf(cwd)).toMatchObject({code: 0, warnings: []});
  });
});

describe('what is warned about', () => {
  test('modules that hide those of Python and of Modal', async () => {
    const {code, warnings} = await planOf(project({'random.py': '', 'modal.py': ''}));
    expect(code).toBe(0);
    expect(warnings).toEqual([
      expect.stringMatching(/^The package has modal\.py, which hides Modal's own package .* Rename it\.$/),
      expect.stringMatching(/^The package has random\.py, which hides Python's own module random .* Rename it\.$/),
    ]);
  });

  test('an import that neither the project nor the requirements bring: where, and the likely package', async () => {
    const cwd = project({'main.py': `import cv2\n\n${HANDLER}`, 'requirements.txt': 'requests\n'});
    expect((await planOf(cwd)).warnings).toEqual([
      expect.stringMatching(/^main\.py:1 imports cv2, .*Add "opencv-python" to requirements\.txt\.$/),
    ]);
    expect((await planOf(project({'main.py': `import requests\n\n${HANDLER}`}))).warnings).toEqual([
      expect.stringMatching(/^main\.py:1 imports requests, .* no requirements.*Add "requests" to a requirements\.txt/),
    ]);
  });

  test('two files that differ only in case', async () => {
    const cwd = project({'utils.py': 'A = 1\n', 'Utils.py': 'A = 2\n'});
    expect((await planOf(cwd)).warnings).toEqual([
      expect.stringMatching(/^Utils\.py and utils\.py differ only in case: macOS and Windows/),
    ]);
  });

  test('sockets and pipes: left out, and said', async () => {
    const cwd = project({});
    execFileSync('mkfifo', [join(cwd, 'queue')]);
    const server = createServer().listen(join(cwd, 'talk.sock'));
    const planned = await planOf(cwd);
    server.close();
    expect(planned.warnings).toEqual([
      expect.stringMatching(/^queue is .*left out\.$/),
      expect.stringMatching(/^talk\.sock is .*left out\.$/),
    ]);
    expect(packageOf(planned).files).toBe(1);
  });
});

describe('modules and requirements that cannot be', () => {
  const latin1 = Buffer.from('A = 1\nW = "caf\xe9"\n', 'latin1').toString('latin1');

  test('Latin-1 without a cookie: file and line', async () => {
    const cwd = project({'main.py': `import words\n\n${HANDLER}`});
    writeFileSync(join(cwd, 'words.py'), Buffer.from(latin1, 'latin1'));
    expectRefused(await planOf(cwd), [2, 'SYNTAX_ERROR', 'words.py, line 2: the text is not UTF-8', 'coding: latin-1']);
  });

  const CASES: [what: string, files: Record<string, string>, refusal: Refusal][] = [
    [
      'an import in other capitals than the file',
      {'main.py': `import Utils\n\n${HANDLER}`, 'utils.py': ''},
      [2, 'MODULE_MISSING', /^main\.py:1 imports Utils, but it is called utils \(utils\.py\): capitals count/],
    ],
    [
      'a module that is not there, imported in a function',
      {
        'main.py': 'def handler():\n    from shop import prices\n    return prices\n',
        'shop/__init__.py': '',
        'shop/price.py': '',
      },
      [2, 'MODULE_MISSING', 'main.py:2 imports shop.prices, but there is no shop/prices.py. Did you mean shop.price?'],
    ],
    [
      'a module that a rule leaves out',
      {'main.py': `import local_config\n\n${HANDLER}`, 'local_config.py': '', '.gitignore': 'local_*\n'},
      [
        2,
        'MODULE_MISSING',
        /^main\.py:1 imports local_config, .*\.gitignore/,
        "echo '!/local_config.py' >> .cloudctlignore",
      ],
    ],
    [
      'included requirements that are not there',
      {'requirements.txt': 'numpy\n-r gone.txt\n'},
      [2, 'INVALID', /requirements\.txt, line 2\b.*gone\.txt/],
    ],
    [
      'constraints that are not there',
      {'requirements.txt': '-c gone.txt\n'},
      [2, 'INVALID', /requirements\.txt, line 1\b.*gone\.txt/],
    ],
    [
      'requirements that include themselves',
      {'requirements.txt': '-r a.txt\n', 'a.txt': '-r requirements.txt\n'},
      [2, 'INVALID', /a\.txt, line 1\b.*requirements\.txt/],
    ],
    [
      'requirements outside of the project',
      {'requirements.txt': '-r ../all.txt\n'},
      [2, 'INVALID', /requirements\.txt, line 1\b.*\.\.\/all\.txt.*Move it into/],
    ],
    [
      'a requirement that is none',
      {'requirements.txt': 'requests\nnumpy == \n'},
      [2, 'INVALID', /requirements\.txt, line 2: 'numpy ==' is not a requirement/],
    ],
  ];

  test.each(CASES)('%s', async (_, files, refusal) => {
    expectRefused(await planOf(project(files)), refusal);
  });

  test('are found before anything goes up', async () => {
    const cwd = project({'main.py': `from . import gone\n\n${HANDLER}`});
    const {code, stdout, stderr} = await machine.run(['deploy', 'ai', 'lost', '--app', 'lost'], {cwd});
    expect({code, stdout}).toEqual({code: 2, stdout: ''});
    expect(stderr).toMatch(/^Error: main\.py:1 imports /m);
    expect(stderr).not.toMatch(/Uploading|Connecting|Publishing/);
    expect(await machine.data(['list', 'ai', '--filter', 'app=lost'])).toEqual({resources: []});
    expect(existsSync(join(machine.dataDirectory, 'ledger/modal/local/local/main/ai/lost.json'))).toBe(false);
  });
});

describe('files that cannot go up', () => {
  test('a notebook of 2 GB: refused with what to do, taken out by a rule', async () => {
    const cwd = project({'study.ipynb': ''});
    truncateSync(join(cwd, 'study.ipynb'), 2 * 1024 ** 3);
    expectRefused(await planOf(cwd), [
      2,
      'FILE_TOO_LARGE',
      /^study\.ipynb has 2\.0 GiB/,
      "echo '/study.ipynb' >> .cloudctlignore",
      'cloudctl deploy storage NAME',
    ]);
    writeFileSync(join(cwd, '.cloudctlignore'), '*.ipynb\n');
    const planned = await planOf(cwd);
    expect(planned).toMatchObject({code: 0, warnings: []});
    expect(packageOf(planned).ignored).toContainEqual({path: 'study.ipynb', by: '.cloudctlignore: *.ipynb'});
  });

  test('a file that looks like a secret: stopped, unless it is taken in by its name', async () => {
    const cwd = project({'config/service-account.json': '{}'});
    const deployed = await told(machine, ['deploy', 'ai', 'x'], {cwd});
    expectRefused(deployed, [2, 'SECRET_IN_PACKAGE', 'config/service-account.json', '--secret NAME']);
    expect(deployed.error?.data).toEqual({files: ['config/service-account.json']});
    writeFileSync(join(cwd, '.cloudctlignore'), '!/config/service-account.json\n');
    expect(packageOf(await planOf(cwd)).biggest.map(({path}) => path)).toContain('config/service-account.json');
  });

  test('a file that may not be read: which, why, and what to do', async () => {
    const cwd = project({'private.txt': 'x', 'closed/inner.txt': 'x'});
    const runner = withoutPrivileges();
    if (runner === undefined) {
      console.warn('Skipped: this is root, and there is no setpriv to take its rights away.');
      return;
    }
    const plan = async (): Promise<Told> => {
      const [command, ...args] = [...runner, process.execPath, executable, 'plan', 'ai', 'x', '--json'];
      const child = spawn(command!, args, {cwd, env: machine.env, stdio: ['ignore', 'pipe', 'pipe']});
      return toldBy(await finished(child, 60_000, 'plan'));
    };
    chmodSync(join(cwd, 'private.txt'), 0);
    expectRefused(await plan(), [
      7,
      'FILE_UNREADABLE',
      'private.txt cannot be read: no permission.',
      'chmod',
      'ignore',
    ]);
    chmodSync(join(cwd, 'private.txt'), 0o644);
    chmodSync(join(cwd, 'closed'), 0);
    expectRefused(await plan(), [7, 'FILE_UNREADABLE', 'closed/ cannot be read: no permission.', 'chmod', 'ignore']);
    chmodSync(join(cwd, 'closed'), 0o755);
  });

  test('a package over 100 MB: a plan says so, off a terminal it takes --yes, on one it asks', async () => {
    const cwd = project({'weights.bin': ''});
    truncateSync(join(cwd, 'weights.bin'), 101_000_000);
    const planned = await machine.run(['plan', 'ai', 'heavy'], {cwd});
    expect(planned).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Package: 2 files, 101 MB: over 100 MB.*--yes$/m),
    });
    const refused = await told(machine, ['deploy', 'ai', 'heavy'], {cwd});
    expectRefused(refused, [
      2,
      'PACKAGE_LARGE',
      /101 MB: .*Nothing was deployed\./,
      '101 MB: weights.bin',
      /add --yes/,
    ]);
    const steps = [{expect: 'Upload it?', send: 'n\r'}];
    const asked = await onTerminal(machine, ['deploy', 'ai', 'heavy', '--source', cwd], steps);
    expect(asked).toMatchObject({code: 2, left: 0, restored: true});
    expect(await machine.data(['ledger', 'show'])).not.toMatchObject({records: [{resource: 'heavy'}]});
    const deployed = await told(machine, ['deploy', 'ai', 'heavy', '--yes'], {cwd});
    expect(deployed).toMatchObject({code: 0, data: {action: 'created'}});
  });
});

/** What to run a command with so that permissions bind it; undefined where there is nothing. */
function withoutPrivileges(): string[] | undefined {
  if (process.getuid?.() !== 0) return [];
  const rights = '-dac_override,-dac_read_search';
  const runner = ['setpriv', `--bounding-set=${rights}`, `--inh-caps=${rights}`];
  try {
    execFileSync(runner[0]!, [...runner.slice(1), 'true'], {stdio: 'ignore'});
    return runner;
  } catch {
    return undefined;
  }
}
