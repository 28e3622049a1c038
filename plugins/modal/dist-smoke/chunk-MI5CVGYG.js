import {
  checkAborted,
  childEnvironment,
  environmentError
} from "./chunk-OYDGFPPA.js";

// plugins/modal/src/runtime/process.ts
import { spawn } from "node:child_process";
var KEPT = 64 * 1024;
var GRACE_MS = 2e3;
var WINDOWS = process.platform === "win32";
async function run(command, args, options) {
  checkAborted(options.signal);
  const result = await start(command, args, options);
  checkAborted(options.signal);
  return result;
}
function start(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: options.environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: !WINDOWS,
      windowsHide: true,
      ...options.cwd === void 0 ? {} : { cwd: options.cwd }
    });
    const result = { stdout: "", output: "", stopped: false };
    const kill = (signal) => {
      try {
        if (child.pid === void 0) return;
        if (WINDOWS) child.kill(signal);
        else process.kill(-child.pid, signal);
      } catch {
      }
    };
    let killing;
    const stop = () => {
      result.stopped = true;
      kill("SIGTERM");
      killing ??= setTimeout(() => kill("SIGKILL"), GRACE_MS);
    };
    const onExit = () => kill("SIGKILL");
    const timer = setTimeout(stop, options.timeout);
    options.signal?.addEventListener("abort", stop, { once: true });
    process.once("exit", onExit);
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new LineReader((line) => options.onLine?.(line, stop));
      stream.setEncoding("utf8");
      stream.on("error", () => void 0);
      stream.on("data", (text) => {
        if (stream === child.stdout) result.stdout = (result.stdout + text).slice(-KEPT);
        result.output = (result.output + text).slice(-KEPT);
        lines.push(text);
      });
    }
    let ended = false;
    const end = (code, error) => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      clearTimeout(killing);
      options.signal?.removeEventListener("abort", stop);
      process.removeListener("exit", onExit);
      child.stdout.destroy();
      child.stderr.destroy();
      if (code !== null) result.code = code;
      if (error !== void 0) result.error = error;
      resolve(result);
    };
    child.once("error", (error) => end(null, error));
    child.once("close", (code) => end(code));
    child.once("exit", (code) => setTimeout(() => end(code), 500).unref());
  });
}
var LineReader = class {
  constructor(onLine) {
    this.onLine = onLine;
  }
  onLine;
  #rest = "";
  push(text) {
    const lines = (this.#rest + text).split(/\r?\n|\r/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") this.onLine(line);
  }
};

// plugins/modal/src/runtime/python-errors.ts
import { existsSync } from "node:fs";
var PROVIDER = "modal";
var RANGE = "Python 3.10 to 3.14";
var NAME_ONE = "Or name one: CLOUDCTL_PYTHON=/path/to/python3 cloudctl modal setup";
var apt = () => existsSync("/usr/bin/apt-get");
function installHint(hasUv) {
  if (hasUv) return "Install one: uv python install 3.13";
  if (process.platform === "darwin") return "Install one: brew install python@3.13";
  if (process.platform === "win32") return "Install one: winget install Python.Python.3.13";
  if (apt()) return "Install one: sudo apt install python3 python3-venv";
  if (existsSync("/usr/bin/dnf")) return "Install one: sudo dnf install python3";
  if (existsSync("/sbin/apk")) return "Install one: sudo apk add python3";
  return "Install one with the system's package manager.";
}
function describe(tried) {
  return tried.map(({ command, python, problem }) => `${command} (${python?.version.join(".") ?? problem})`).join(", ");
}
function asData(tried) {
  return { tried: tried.map(({ command, problem }) => ({ command, problem: problem ?? "" })) };
}
function noPython(tried, hasUv) {
  const looked = tried.length === 0 ? "none of python3, python3.10 to python3.14 and python is on PATH" : describe(tried);
  return environmentError("PYTHON_NOT_FOUND", `The Modal plugin needs ${RANGE}; ${looked}.`, {
    provider: PROVIDER,
    hints: [installHint(hasUv), NAME_ONE],
    data: asData(tried)
  });
}
function pythonOutOfRange(tried, hasUv) {
  const tooOld = tried.some(({ python }) => python !== void 0 && (python.version[0] < 3 || python.version[1] < 10));
  return environmentError(
    tooOld ? "PYTHON_TOO_OLD" : "PYTHON_TOO_NEW",
    `The Modal plugin needs ${RANGE}; found only ${describe(tried)}.`,
    { provider: PROVIDER, hints: [installHint(hasUv), NAME_ONE], data: asData(tried) }
  );
}
function venvMissing(tried) {
  const first = tried[0];
  const minor = first?.python?.version[1];
  return environmentError(
    "PYTHON_VENV_MISSING",
    `${first?.python?.executable ?? "Python"} cannot create virtual environments: its module ensurepip is missing.`,
    {
      provider: PROVIDER,
      hints: [
        apt() ? `Install it: sudo apt install python3.${minor}-venv` : "Install the module, or install uv.",
        NAME_ONE
      ],
      data: asData(tried)
    }
  );
}
function namedPythonUnusable(named, problem) {
  return environmentError("PYTHON_UNUSABLE", `CLOUDCTL_PYTHON=${named} cannot be used: ${problem}.`, {
    provider: PROVIDER,
    hints: [`Name ${RANGE}, or unset CLOUDCTL_PYTHON.`]
  });
}
function namedSdkUnusable(named, problem, hint) {
  return environmentError("PYTHON_UNUSABLE", `CLOUDCTL_MODAL_PYTHON=${named} cannot be used: ${problem}.`, {
    provider: PROVIDER,
    hints: [hint, "Or unset CLOUDCTL_MODAL_PYTHON: CloudCTL then builds an environment of its own."]
  });
}

// plugins/modal/src/runtime/find-python.ts
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
var OLDEST = 10;
var NEWEST = 14;
var PROBE_MS = 15e3;
var PROBE = `
import json, os, sys
def has(name):
    try:
        __import__(name)
        return True
    except Exception:
        return False
exe = getattr(sys, "_base_executable", None) or sys.executable
named = os.path.join(os.path.dirname(exe), "python%d.%d" % sys.version_info[:2])
if os.path.exists(named):
    exe = named
print(json.dumps({"executable": exe, "version": list(sys.version_info[:3]), "venv": has("venv") and has("ensurepip"), "ssl": has("ssl")}))
`;
function which(name, environment) {
  const path = environment["PATH"] ?? environment["Path"] ?? "";
  const endings = process.platform === "win32" ? (environment["PATHEXT"] ?? ".EXE;.CMD;.BAT").split(";") : [""];
  const found = path.split(delimiter).filter((directory) => directory !== "").flatMap((directory) => endings.map((ending) => join(directory, name + ending))).filter(isExecutable);
  return [...new Set(found)];
}
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
function isSupported({ version: [major, minor] }) {
  return major === 3 && minor >= OLDEST && minor <= NEWEST;
}
async function probe(command, args, options) {
  const shown = [command, ...args].join(" ");
  const result = await run(command, [...args, "-c", PROBE], {
    environment: childEnvironment(options.environment),
    cwd: options.cwd,
    signal: options.signal,
    timeout: PROBE_MS
  });
  if (result.error !== void 0) return { command: shown, problem: result.error.message };
  if (result.code !== 0) return { command: shown, problem: `does not run (exit code ${result.code ?? "none"})` };
  try {
    const python = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
    return { command: shown, python };
  } catch {
    return { command: shown, problem: "is not a Python" };
  }
}
function problemOf(python, uv) {
  if (!isSupported(python)) return `is Python ${python.version.join(".")}`;
  if (!python.ssl) return "has no ssl module";
  if (!python.venv && uv === void 0) return "has no ensurepip module";
  return void 0;
}
async function findPython(options) {
  const named = options.environment["CLOUDCTL_PYTHON"];
  if (named !== void 0 && named !== "") return namedPython(named, options);
  const tried = [];
  for (const [command, ...args] of candidates(options.environment)) {
    const attempt = await probe(command, args, options);
    const fit = judge(attempt, options, tried);
    if (fit !== void 0) return fit;
  }
  const managed = await managedByUv(options, tried);
  if (managed !== void 0) return managed;
  throw failure(tried, options);
}
function judge(attempt, options, tried) {
  const problem = attempt.python === void 0 ? attempt.problem : problemOf(attempt.python, options.uv);
  options.debug(`runtime: ${attempt.command} ${problem ?? "fits"}`);
  if (problem === void 0) return attempt.python;
  tried.push({ ...attempt, problem });
  return void 0;
}
function candidates(environment) {
  const minors = Array.from({ length: NEWEST - OLDEST + 1 }, (_, index) => NEWEST - index);
  const names = ["python3", ...minors.map((minor) => `python3.${minor}`), "python"];
  const found = names.flatMap((name) => which(name, environment)).map((file) => [file]);
  if (process.platform === "win32")
    found.push(...which("py", environment).map((file) => [file, "-3"]));
  return found;
}
async function namedPython(named, options) {
  const command = /[\\/]/.test(named) ? named : which(named, options.environment)[0];
  if (command === void 0) throw namedPythonUnusable(named, "it is not on PATH");
  const attempt = await probe(command, [], options);
  if (attempt.python === void 0) throw namedPythonUnusable(named, attempt.problem ?? "it does not run");
  if (isSupported(attempt.python) && !attempt.python.venv && options.uv === void 0) throw venvMissing([attempt]);
  const problem = problemOf(attempt.python, options.uv);
  if (problem !== void 0) throw namedPythonUnusable(named, `it ${problem}`);
  return attempt.python;
}
async function managedByUv(options, tried) {
  if (options.uv === void 0) return void 0;
  const args = ["python", "find", "--no-project", "--managed-python", `>=3.${OLDEST},<3.${NEWEST + 1}`];
  const result = await run(options.uv, args, {
    environment: { ...childEnvironment(options.environment), UV_PYTHON_DOWNLOADS: "never" },
    cwd: options.cwd,
    signal: options.signal,
    timeout: PROBE_MS
  });
  const file = result.stdout.trim();
  if (result.code !== 0 || file === "") {
    tried.push({ command: "uv python find", problem: "knows none" });
    return void 0;
  }
  return judge(await probe(file, [], options), options, tried);
}
function failure(tried, options) {
  const lacking = tried.filter(({ python }) => python !== void 0 && isSupported(python) && !python.venv);
  if (lacking.length > 0) return venvMissing(lacking);
  const others = tried.filter(({ python }) => python !== void 0 && !isSupported(python));
  if (others.length > 0) return pythonOutOfRange(others, options.uv !== void 0);
  return noPython(tried, options.uv !== void 0);
}

// plugins/modal/src/runtime/write.ts
async function writeAtomically(file, text) {
  const { default: write } = await import("write-file-atomic");
  await write(file, text, { mode: 384 });
}

export {
  run,
  namedSdkUnusable,
  which,
  isSupported,
  findPython,
  writeAtomically
};
