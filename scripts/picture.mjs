/**
 * Draws `docs/terminal.svg`: what a terminal of 80 columns shows after a real run against Local Modal.
 *
 * `node scripts/picture.mjs`. Commands run in a pseudo-terminal (`script` of util-linux), a headless xterm keeps the
 * screen, and its cells become text in the picture. The data directory is thrown away afterwards.
 */
import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import xterm from '@xterm/headless';
import {capture, root, venvPython} from './steps.mjs';

const COLUMNS = 80;
const home = mkdtempSync(join(tmpdir(), 'cloudctl-picture-'));
const environment = {
  ...process.env,
  TERM: 'xterm-256color',
  CLOUDCTL_DATA_DIR: join(home, 'data'),
  CLOUDCTL_CACHE_DIR: join(home, 'cache'),
  CLOUDCTL_CONFIG_DIR: join(home, 'config'),
  CLOUDCTL_MODAL_PYTHON: venvPython,
  CLOUDCTL_MODAL_TARGET: 'local',
};
for (const name of ['NO_COLOR', 'CI']) delete environment[name];

const COMMANDS = [
  ['deploy', 'ai', 'image-generator', '--app', 'ai-app', '--name', 'generate-image'],
  ['deploy', 'storage', 'model-store', '--name', 'trained-models', '--size', '100'],
  ['list', 'ai'],
  ['cost'],
];

/** Runs a command in a pseudo-terminal and feeds what it prints to the screen. */
function onTerminal(terminal, args) {
  const command = [process.execPath, join(root, 'bin/run.js'), ...args].map(word => `'${word}'`).join(' ');
  return new Promise((done, fail) => {
    const child = spawn('script', ['-qec', `stty cols ${COLUMNS} rows 100; ${command}`, '/dev/null'], {
      cwd: join(root, 'examples/image-generator'),
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.on('data', chunk => terminal.write(chunk));
    child.on('error', fail);
    child.on('close', code => (code === 0 ? done() : fail(new Error(`${args.join(' ')} ended with ${code}`))));
  });
}

const flush = terminal => new Promise(done => terminal.write('', done));

// The sixteen colours of the palette, on a dark ground.
const PALETTE = ['#6e7681', '#ff7b72', '#7ee787', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#e6edf3'];
const GROUND = '#0d1117';
const TEXT = '#e6edf3';
const CELL = {width: 8.4, height: 19};

function styleOf(cell) {
  const color = cell.isFgPalette() ? PALETTE[cell.getFgColor() % 8] : TEXT;
  return `${cell.isDim() ? '#8b949e' : color}${cell.isBold() ? ' bold' : ''}`;
}

/** The screen's lines as runs of text of the same style. */
function linesOf(terminal) {
  const {active} = terminal.buffer;
  const lines = [];
  for (let y = 0; y < active.length; y++) {
    const line = active.getLine(y);
    const runs = [];
    for (let x = 0; x < COLUMNS; x++) {
      const cell = line.getCell(x);
      const text = cell.getChars() || ' ';
      const style = styleOf(cell);
      const last = runs.at(-1);
      if (last?.style === style) last.text += text;
      else runs.push({x, style, text});
    }
    lines.push(runs.map(run => ({...run, text: run.text.trimEnd()})).filter(({text}) => text !== ''));
  }
  while (lines.length > 0 && lines.at(-1).length === 0) lines.pop();
  return lines;
}

function svgOf(lines) {
  const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const rows = lines.flatMap((runs, y) =>
    runs.map(({x, style, text}) => {
      const [color, bold] = style.split(' ');
      return `<text x="${(16 + x * CELL.width).toFixed(1)}" y="${34 + y * CELL.height}" fill="${color}"${bold ? ' font-weight="bold"' : ''} textLength="${(text.length * CELL.width).toFixed(1)}" xml:space="preserve">${escaped(text)}</text>`;
    }),
  );
  const [width, height] = [Math.round(32 + COLUMNS * CELL.width), 34 + lines.length * CELL.height];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">
<title>A deploy, a list and a price in a terminal</title>
<rect width="100%" height="100%" rx="8" fill="${GROUND}"/>
${rows.join('\n')}
</svg>
`;
}

try {
  await capture(
    process.execPath,
    [join(root, 'bin/run.js'), 'plugins', 'link', join(root, 'plugins/modal'), '--no-install'],
    {env: environment},
  );
  // Started beforehand, so that the picture shows the deploy and not the start of the server.
  await capture(process.execPath, [join(root, 'bin/run.js'), 'modal', 'local', 'start'], {env: environment});
  const terminal = new xterm.Terminal({cols: COLUMNS, rows: 100, allowProposedApi: true});
  for (const args of COMMANDS) {
    terminal.write(`\u001B[1m$ cloudctl ${args.join(' ')}\u001B[0m\r\n`);
    await onTerminal(terminal, args);
    terminal.write('\r\n');
  }
  await flush(terminal);
  writeFileSync(join(root, 'docs/terminal.svg'), svgOf(linesOf(terminal)));
} finally {
  await capture(process.execPath, [join(root, 'bin/run.js'), 'modal', 'local', 'stop'], {env: environment});
  rmSync(home, {recursive: true, force: true});
}
