import {
  alone
} from "./chunk-2WVGPBRI.js";
import {
  packageRoot,
  packageVersion,
  pythonFolder
} from "./chunk-RMVRSXWG.js";
import {
  absentConfigPath,
  checkAborted,
  childEnvironment,
  environmentError,
  pause
} from "./chunk-OYDGFPPA.js";

// plugins/modal/src/local/manage.ts
import { mkdir as mkdir2, rm } from "node:fs/promises";

// plugins/modal/src/local/control.ts
import { request } from "node:http";
var MOST = 1024 * 1024;
function control(server, method, path, timeout) {
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(path, server.controlUrl),
      {
        method,
        // Neither a proxy nor a kept connection, which would hold Node back.
        agent: false,
        headers: { "Modal-Key": server.tokenId, "Modal-Secret": server.tokenSecret, "Content-Length": "0" }
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text) => {
          if (body.length < MOST) body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      }
    );
    const timer = setTimeout(() => call.destroy(new Error(`no answer within ${timeout} ms`)), timeout);
    call.on("error", reject);
    call.on("close", () => clearTimeout(timer));
    call.end();
  });
}
async function askStatus(server, timeout) {
  try {
    const { status, body } = await control(server, "GET", "/status", timeout);
    if (status !== 200) return void 0;
    const answer = JSON.parse(body);
    return answer.pid === server.pid ? answer : void 0;
  } catch {
    return void 0;
  }
}
async function askShutdown(server, timeout) {
  try {
    const { status } = await control(server, "POST", "/shutdown", timeout);
    return status < 300;
  } catch {
    return false;
  }
}

// plugins/modal/src/local/errors.ts
var PROVIDER = "modal";
var AGAIN = "If it happens again: cloudctl modal local reset";
function startFailed(log, file, code) {
  const last = log.split("\n").findLast((line) => line.trim() !== "");
  const why = last === void 0 ? ` (exit code ${code ?? "none"}).` : `: ${last.trim().slice(0, 300)}`;
  return environmentError("LOCAL_SERVER_FAILED", `Local Modal could not be started${why}`, {
    provider: PROVIDER,
    hints: [`Its log: ${file}`, "If the Python environment is damaged: cloudctl modal setup --rebuild"],
    data: { exitCode: code, log }
  });
}
function startTimedOut(log, file, seconds) {
  return environmentError("LOCAL_SERVER_TIMEOUT", `Local Modal was not ready within ${seconds} seconds.`, {
    provider: PROVIDER,
    hints: [`Its log: ${file}`, AGAIN],
    data: { log }
  });
}
function unconfirmed(pid, state) {
  return environmentError("LOCAL_SERVER_HANGS", `Local Modal (process ${pid}) does not answer.`, {
    provider: PROVIDER,
    hints: [`See what it is: ps -p ${pid}`, `If it is Local Modal: kill -9 ${pid}`],
    data: { pid, stateDirectory: state }
  });
}
function stopFailed(pid) {
  return environmentError("LOCAL_SERVER_HANGS", `Local Modal (process ${pid}) cannot be ended.`, {
    provider: PROVIDER,
    hints: [`End it: kill -9 ${pid}`],
    data: { pid }
  });
}

// plugins/modal/src/local/server.ts
import { mkdir } from "node:fs/promises";
import { dirname, join as join4 } from "node:path";

// plugins/modal/src/local/launch.ts
import { spawn } from "node:child_process";
import { join as join3 } from "node:path";

// plugins/modal/src/local/log.ts
import { open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
var LARGEST = 5 * 1024 * 1024;
var TAIL = 4e3;
function logFile(state) {
  return join(state, "server.log");
}
async function openLog(state) {
  const file = logFile(state);
  if (await sizeOf(file) > LARGEST) await rename(file, `${file}.1`).catch(() => void 0);
  return open(file, "a", 384);
}
async function sizeOf(file) {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}
async function logTail(file, begin) {
  const size = await sizeOf(file);
  const from = Math.max(begin, size - TAIL);
  if (size <= from) return "";
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    return buffer.subarray(0, bytesRead).toString("utf8").trim();
  } finally {
    await handle.close();
  }
}

// plugins/modal/src/local/state.ts
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join as join2 } from "node:path";
function stateDirectory(directories) {
  return join2(directories.data, "local");
}
async function readServerFile(state) {
  let found;
  try {
    found = JSON.parse(await readFile(join2(state, "server.json"), "utf8"));
  } catch {
    return void 0;
  }
  const { pid, version: version2, url, control_url: controlUrl, token_id: tokenId, token_secret: tokenSecret } = found;
  const texts = { version: version2, url, controlUrl, tokenId, tokenSecret };
  if (!Number.isSafeInteger(pid) || Object.values(texts).some((text) => typeof text !== "string")) return void 0;
  return { pid, ...texts };
}
var version;
function serverVersion() {
  version ??= existsSync(join2(packageRoot(), "src")) ? developmentVersion() : Promise.resolve(packageVersion());
  return version;
}
async function developmentVersion() {
  const folder = join2(pythonFolder(), "modal_local");
  const hash = createHash("sha256");
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".py")).sort();
  for (const file of files) hash.update(`${file}\0`).update(await readFile(join2(folder, file)));
  return `${packageVersion()}+${hash.digest("hex").slice(0, 8)}`;
}
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
async function canBeServer(pid) {
  if (!isAlive(pid)) return false;
  if (process.platform !== "linux") return true;
  try {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).includes("modal_local");
  } catch {
    return false;
  }
}

// plugins/modal/src/local/launch.ts
var READY_MS = 15e3;
var POLL_MS = 40;
var LOCKED_MS = 500;
var STATUS_MS = 5e3;
var LOCKED = 3;
async function launch(state, version2, options) {
  const { python } = await options.runtime();
  const stage = (name, detail) => options.report?.({
    kind: "stage",
    id: "local-server",
    title: "Starting Local Modal",
    state: name,
    ...detail === void 0 ? {} : { detail }
  });
  stage("running");
  try {
    const server = await start(python, state, version2, options);
    stage("done", server.url);
    return server;
  } catch (error) {
    stage("failed");
    throw error;
  }
}
async function start(python, state, version2, options) {
  const until = Date.now() + READY_MS;
  const file = logFile(state);
  const begin = await sizeOf(file);
  let attempt = await spawnServer(python, state, version2, options);
  while (Date.now() < until) {
    const server = await readServerFile(state);
    if (server !== void 0 && isAlive(server.pid) && await askStatus(server, STATUS_MS) !== void 0)
      return server;
    const { end } = attempt;
    if (end?.error !== void 0) throw startFailed(end.error.message, file, null);
    if (end !== void 0 && end.code !== LOCKED) throw startFailed(await logTail(file, begin), file, end.code);
    await pause(end === void 0 ? POLL_MS : LOCKED_MS, options.signal);
    if (end !== void 0) attempt = await spawnServer(python, state, version2, options);
  }
  const other = await readServerFile(state);
  if (attempt.end?.code === LOCKED && other !== void 0) throw unconfirmed(other.pid, state);
  if (attempt.end === void 0) attempt.child.kill("SIGTERM");
  throw startTimedOut(await logTail(file, begin), file, READY_MS / 1e3);
}
async function spawnServer(python, state, version2, options) {
  const handle = await openLog(state);
  try {
    const script = join3(pythonFolder(), "modal_local", "__main__.py");
    const child = spawn(python, ["-X", "utf8", script, "serve", "--state", state, "--version", version2], {
      cwd: state,
      detached: true,
      windowsHide: true,
      stdio: ["ignore", handle.fd, handle.fd],
      env: { ...childEnvironment(options.environment), MODAL_CONFIG_PATH: absentConfigPath(state) }
    });
    const attempt = { child, end: void 0 };
    child.on("error", (error) => {
      attempt.end = { code: null, error };
    });
    child.on("exit", (code) => {
      attempt.end ??= { code };
    });
    child.unref();
    options.debug?.(`local: started process ${child.pid ?? "none"}`);
    return attempt;
  } finally {
    await handle.close();
  }
}

// plugins/modal/src/local/stop.ts
var ASK_MS = 2e3;
var GRACEFUL_MS = 1e4;
var TERM_MS = 3e3;
var KILL_MS = 3e3;
var POLL_MS2 = 50;
async function endServer(server) {
  if (await askShutdown(server, ASK_MS) && await isGone(server.pid, GRACEFUL_MS)) return;
  for (const [signal, milliseconds] of [
    ["SIGTERM", TERM_MS],
    ["SIGKILL", KILL_MS]
  ]) {
    try {
      process.kill(server.pid, signal);
    } catch {
    }
    if (await isGone(server.pid, milliseconds)) return;
  }
  throw stopFailed(server.pid);
}
async function isGone(pid, milliseconds) {
  for (const until = Date.now() + milliseconds; Date.now() < until; ) {
    if (!isAlive(pid)) return true;
    await pause(POLL_MS2);
  }
  return !isAlive(pid);
}

// plugins/modal/src/local/server.ts
var STATUS_MS2 = 5e3;
async function ensureLocalServer(options) {
  checkAborted(options.signal);
  const state = stateDirectory(options.directories);
  const version2 = await serverVersion();
  const running = await findServer(state);
  if (running !== void 0 && running.version === version2) return asLocalServer(running);
  await mkdir(state, { recursive: true, mode: 448 });
  return withTransition(options, async () => {
    const current = await findServer(state);
    if (current !== void 0 && current.version === version2) return asLocalServer(current);
    if (current !== void 0) {
      options.debug?.(`local: replacing the server of version ${current.version}`);
      await endServer(current);
    }
    return asLocalServer(await launch(state, version2, options));
  });
}
function withTransition(options, work) {
  const state = stateDirectory(options.directories);
  const file = join4(dirname(state), "local.lock");
  return alone({ file, signal: options.signal, debug: options.debug }, work);
}
async function findServer(state) {
  const file = await readServerFile(state);
  if (file === void 0 || !isAlive(file.pid)) return void 0;
  const status = await askStatus(file, STATUS_MS2);
  return status === void 0 ? void 0 : { ...file, version: status.version };
}
function asLocalServer({ url, controlUrl, tokenId, tokenSecret, pid }) {
  return { url, controlUrl, tokenId, tokenSecret, pid };
}

// plugins/modal/src/local/manage.ts
var STATUS_MS3 = 5e3;
async function localServerStatus(options) {
  const state = stateDirectory(options.directories);
  const file = await readServerFile(state);
  const status = file !== void 0 && isAlive(file.pid) ? await askStatus(file, STATUS_MS3) : void 0;
  if (file === void 0 || status === void 0) return { running: false, stateDirectory: state };
  const { version: version2, apps, functions, volumes, containers } = status;
  return {
    running: true,
    pid: file.pid,
    url: file.url,
    version: version2,
    stateDirectory: state,
    apps,
    functions,
    volumes,
    containers
  };
}
async function stopLocalServer(options) {
  const state = stateDirectory(options.directories);
  if (await readServerFile(state) === void 0) return void 0;
  return withTransition(options, () => stop(state));
}
async function stop(state) {
  const server = await findServer(state);
  if (server !== void 0) {
    await endServer(server);
    return server.pid;
  }
  const file = await readServerFile(state);
  if (file !== void 0 && await canBeServer(file.pid)) throw unconfirmed(file.pid, state);
  return void 0;
}
async function resetLocalServer(options) {
  const state = stateDirectory(options.directories);
  await mkdir2(options.directories.data, { recursive: true });
  await withTransition(options, async () => {
    await stop(state);
    await rm(state, { recursive: true, force: true, maxRetries: 5 });
  });
}

// plugins/modal/src/local/variables.ts
function localVariables(server, directories) {
  return {
    MODAL_SERVER_URL: server.url,
    MODAL_TOKEN_ID: server.tokenId,
    MODAL_TOKEN_SECRET: server.tokenSecret,
    MODAL_ENVIRONMENT: "main",
    // The user's own profile must neither be read nor mixed in.
    MODAL_CONFIG_PATH: absentConfigPath(stateDirectory(directories)),
    MODAL_DISABLE_API_PROXY: "1"
  };
}
function exportLines(variables) {
  return Object.entries(variables).map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`).join("\n");
}
export {
  ensureLocalServer,
  exportLines,
  localServerStatus,
  localVariables,
  resetLocalServer,
  stopLocalServer
};
