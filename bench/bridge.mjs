/** The bridge against raw pipes: the same Python answering lines, without protocol, matching or deadlines. */
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createInterface} from 'node:readline';
import {venvPython} from '../scripts/steps.mjs';
import {compare, importSources, report} from './measure.mjs';

const REQUESTS = 2000;
const MEGABYTES = 5;

const ECHO =
  'import json, sys\nfor line in sys.stdin:\n    sys.stdout.write(json.dumps({"length": len(json.loads(line)["text"])}) + "\\n")\n    sys.stdout.flush()\n';

async function openBridge() {
  const {Bridge} = await importSources(
    "export {Bridge} from './plugins/modal/src/bridge/index.ts';",
    'plugins/modal/dist/bench/bridge.mjs',
  );
  const bridge = new Bridge({
    runtime: async () => ({python: venvPython, source: 'named'}),
    connection: async () => ({environment: {}}),
    client: {name: 'bench', version: '0'},
  });
  await bridge.hello();
  return bridge;
}

function openPipe() {
  const child = spawn(venvPython, ['-u', '-c', ECHO], {stdio: ['pipe', 'pipe', 'inherit']});
  const lines = createInterface({input: child.stdout});
  return {
    ask: async text => {
      child.stdin.write(`${JSON.stringify({text})}\n`);
      await once(lines, 'line');
    },
    close: () => child.stdin.end(),
  };
}

export async function benchBridge() {
  const bridge = await openBridge();
  const pipe = openPipe();
  const ask = text => bridge.request('hello', {protocol: 1, client: text});
  const many = async one => {
    for (let i = 0; i < REQUESTS; i++) await one('x');
  };
  // There is no such directory: the child reads, checks and refuses, which is all that is measured.
  const send = text => bridge.request('inspect', {directory: text, handler: 'main.handler'}).catch(() => undefined);
  const large = 'x'.repeat(MEGABYTES * 1024 * 1024);
  const serial = await compare({'raw pipes': () => many(pipe.ask), bridge: () => many(ask)}, 3);
  report(`${REQUESTS} round trips, one after the other`, serial, 'raw pipes');
  console.log(`  bridge: ${Math.round((REQUESTS / serial.bridge) * 1000)} round trips a second`);
  const pipelined = await compare({bridge: () => Promise.all(Array.from({length: REQUESTS}, () => ask('x')))}, 3);
  console.log(`  bridge, all at once: ${Math.round((REQUESTS / pipelined.bridge) * 1000)} a second`);
  report(
    `One message of ${MEGABYTES} MB`,
    await compare({'raw pipes': () => pipe.ask(large), bridge: () => send(large)}, 5),
    'raw pipes',
  );
  pipe.close();
  await bridge.close();
}
