import {
  redactUrls
} from "./chunk-PFYZ7PHN.js";
import {
  alone
} from "./chunk-2WVGPBRI.js";
import {
  pythonFolder
} from "./chunk-RMVRSXWG.js";
import {
  findPython,
  run,
  which,
  writeAtomically
} from "./chunk-MI5CVGYG.js";
import {
  childEnvironment,
  environmentError,
  isCloudError
} from "./chunk-OYDGFPPA.js";

// plugins/modal/src/runtime/private-python.ts
import { createHash, randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir, readdir, readFile as readFile2, rm, stat } from "node:fs/promises";
import { join as join3 } from "node:path";

// plugins/modal/src/runtime/install.ts
import { join as join2 } from "node:path";

// plugins/modal/src/runtime/install-errors.ts
var PROVIDER = "modal";
var TAIL = 4e3;
var KINDS = [
  {
    code: "DISK_FULL",
    signs: /No space left on device|Errno 28|ENOSPC|os error 28\b|not enough space on the disk|Disk quota exceeded/i,
    message: "The disk is full: the Python environment for Modal needs about 150 MB.",
    hints: ["Make room, then run: cloudctl modal setup"]
  },
  {
    code: "PACKAGE_HASH_MISMATCH",
    signs: /DO NOT MATCH THE HASHES|Hash mismatch|HashMismatch/i,
    message: "A downloaded package is not the one that CloudCTL was released with.",
    hints: [
      "If a mirror or proxy serves it, tell whoever runs that. Then: cloudctl modal setup --rebuild",
      "A stale cache can be the cause: python3 -m pip cache purge"
    ]
  },
  {
    code: "PERMISSION_DENIED",
    signs: /Permission denied|Errno 13|EACCES|Read-only file system|os error 13\b|os error 30\b|Errno 30/i,
    message: "The Python environment for Modal could not be written.",
    hints: ["Give yourself the right to write into CloudCTL's data directory, then run: cloudctl modal setup"]
  },
  {
    code: "REGISTRY_CERTIFICATE",
    signs: /CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError|invalid peer certificate|UnknownIssuer/i,
    message: "The package registry's certificate is not trusted.",
    hints: [
      "Behind a proxy that opens TLS, name its CA: PIP_CERT=/path/ca.pem SSL_CERT_FILE=/path/ca.pem cloudctl modal setup"
    ]
  },
  {
    code: "REGISTRY_CREDENTIALS",
    signs: /\b(401|403|407)\b[^\n]{0,40}(Unauthorized|Forbidden|Proxy Authentication|Error)|Tunnel connection failed: 407/i,
    message: "The package registry, or a proxy before it, refused the credentials.",
    hints: ["Check the index URL and the proxy (python3 -m pip config list), then run: cloudctl modal setup"]
  },
  {
    code: "REGISTRY_UNREACHABLE",
    signs: /NewConnectionError|ConnectTimeout|NameResolutionError|ConnectionRefused|Connection refused|Temporary failure in name resolution|Network is unreachable|No route to host|connection broken by|dns error|error sending request|tcp connect error|Failed to fetch|client error \(Connect\)|operation timed out|Cannot connect to proxy/i,
    message: "The package registry cannot be reached.",
    hints: [
      "Check the network, and HTTPS_PROXY where there is a proxy. Then run: cloudctl modal setup",
      "With a mirror: PIP_INDEX_URL=URL cloudctl modal setup",
      "Or use a Python that has the SDK: CLOUDCTL_MODAL_PYTHON=/path/to/python"
    ]
  },
  {
    code: "PACKAGE_NOT_FOUND",
    signs: /No matching distribution found|Could not find a version that satisfies|not found in the package registry|No solution found/i,
    message: "The package registry does not have everything that Modal needs.",
    hints: ["With another registry or mirror: PIP_INDEX_URL=URL cloudctl modal setup"]
  }
];
function classify(output) {
  return KINDS.find(({ signs }) => signs.test(output))?.code;
}
function outputTail(output) {
  return redactUrls(output).trimEnd().slice(-TAIL);
}
function installError(output, code = classify(output)) {
  const kind = KINDS.find((known) => known.code === code);
  const data = { output: outputTail(output) };
  if (kind !== void 0) {
    return environmentError(kind.code, kind.message, { provider: PROVIDER, hints: kind.hints, data });
  }
  const last = outputTail(output).split("\n").at(-1) ?? "";
  return environmentError(
    "PYTHON_SETUP_FAILED",
    `The Python environment for Modal could not be built: ${last.slice(0, 300)}`,
    {
      provider: PROVIDER,
      hints: ["See what the installer says: DEBUG=cloudctl:* cloudctl modal setup"],
      data
    }
  );
}
function fileError(error) {
  const { code, message } = error;
  const known = {
    ENOSPC: "DISK_FULL",
    EDQUOT: "DISK_FULL",
    EACCES: "PERMISSION_DENIED",
    EPERM: "PERMISSION_DENIED",
    EROFS: "PERMISSION_DENIED"
  };
  const kind = code === void 0 ? void 0 : known[code];
  return kind === void 0 ? error : installError(message, kind);
}

// plugins/modal/src/runtime/pip-config.ts
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
var SETTING = /^\s*(index[-_]url|extra[-_]index[-_]url|find[-_]links|proxy)\s*[=:]/m;
var VARIABLES = ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_PROXY"];
function configFiles(environment) {
  const home = environment["HOME"] ?? homedir();
  const own = environment["PIP_CONFIG_FILE"];
  if (process.platform === "win32") {
    const folders = [environment["PROGRAMDATA"], environment["APPDATA"]].filter((folder) => folder !== void 0);
    return [...folders.map((folder) => join(folder, "pip", "pip.ini")), join(home, "pip", "pip.ini"), own ?? ""];
  }
  const system = (environment["XDG_CONFIG_DIRS"] || "/etc/xdg").split(delimiter);
  return [
    "/etc/pip.conf",
    ...system.map((folder) => join(folder, "pip", "pip.conf")),
    "/Library/Application Support/pip/pip.conf",
    join(environment["XDG_CONFIG_HOME"] || join(home, ".config"), "pip", "pip.conf"),
    join(home, "Library", "Application Support", "pip", "pip.conf"),
    join(home, ".pip", "pip.conf"),
    own ?? ""
  ];
}
async function isPipConfigured(environment) {
  if (VARIABLES.some((name) => environment[name])) return true;
  for (const file of configFiles(environment)) {
    const text = file === "" ? "" : await readFile(file, "utf8").catch(() => "");
    if (SETTING.test(text)) return true;
  }
  return false;
}

// plugins/modal/src/runtime/install.ts
var MINUTE = 6e4;
var IMPATIENT_SECONDS = 3;
var CONTACT_MS = 9e3;
var CONTACT_LEAST_MS = 4e3;
var CONTACT = /^\s*Downloading /;
var REFUSED = /connection broken by '(NewConnectionError|ConnectTimeoutError|NameResolutionError|ProxyError)/;
var SLOW = /Read timed out|ReadTimeoutError|IncompleteRead/;
var FINAL = /* @__PURE__ */ new Set(["DISK_FULL", "PACKAGE_HASH_MISMATCH", "PERMISSION_DENIED"]);
function environmentPython(directory) {
  return process.platform === "win32" ? join2(directory, "Scripts", "python.exe") : join2(directory, "bin", "python");
}
async function install(options) {
  const began = Date.now();
  if (options.uv === void 0) return installWithPip(options, began);
  const result = await installWithUv(options.uv, options);
  if (result.code === 0) return;
  const kind = classify(result.output);
  if (!options.python.venv || FINAL.has(kind ?? "")) throw installError(result.output, kind);
  if (kind === "REGISTRY_UNREACHABLE" && !await isPipConfigured(options.environment)) {
    throw installError(result.output, kind);
  }
  options.debug(`runtime: uv failed (${kind ?? "unknown"}), going on with pip: ${outputTail(result.output)}`);
  return installWithPip(options, began);
}
async function installWithUv(uv, options) {
  const { directory, requirements } = options;
  const environment = {
    // Short, because pip comes after it. What the user has set wins.
    UV_HTTP_CONNECT_TIMEOUT: "2",
    UV_HTTP_RETRIES: "1",
    ...childEnvironment(options.environment)
  };
  const create = await step(
    uv,
    ["venv", "--no-project", "--clear", "--python", options.python.executable, directory],
    environment,
    options
  );
  if (create.code !== 0) return create;
  const args = ["pip", "install", "--python", environmentPython(directory), "--require-hashes", "--compile-bytecode"];
  return step(uv, [...args, "--requirements", requirements], environment, options);
}
async function installWithPip(options, began) {
  const { directory, python } = options;
  const environment = {
    ...childEnvironment(options.environment),
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    // Settings for the user's own installs that would put the packages elsewhere.
    PIP_USER: "0",
    PIP_REQUIRE_VIRTUALENV: "0"
  };
  for (const name of ["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"])
    delete environment[name];
  const create = await step(python.executable, ["-m", "venv", "--clear", directory], environment, options);
  if (create.code !== 0) throw installError(create.output);
  const pip = (...settings) => [
    ...["-m", "pip", "install", "--no-input", "--require-hashes", "--progress-bar", "off", ...settings],
    ...["--requirement", options.requirements]
  ];
  const interpreter = environmentPython(directory);
  const impatient = pip("--timeout", String(IMPATIENT_SECONDS), "--retries", "1");
  const contact = new ContactWatch(began);
  const first = await step(interpreter, impatient, environment, options, contact).finally(() => contact.end());
  if (first.code === 0) return;
  const kind = contact.expired ? "REGISTRY_UNREACHABLE" : classify(first.output);
  const alive = contact.made || SLOW.test(first.output);
  if (FINAL.has(kind ?? "") || !alive) throw installError(first.output, kind);
  options.debug(`runtime: pip failed (${kind ?? "unknown"}); trying once more with patience`);
  const second = await step(interpreter, pip("--timeout", "60", "--retries", "5"), environment, options);
  if (second.code !== 0) throw installError(second.output);
}
var ContactWatch = class {
  constructor(began) {
    this.began = began;
  }
  began;
  made = false;
  expired = false;
  #timer;
  #refused = false;
  #spoke = 0;
  line(line, stop) {
    this.#spoke = Date.now();
    this.#refused ||= REFUSED.test(line);
    if (CONTACT.test(line) || SLOW.test(line)) {
      this.made = true;
      this.end();
    } else if (!this.made && this.#timer === void 0) {
      this.#watch(Math.max(CONTACT_LEAST_MS, this.began + CONTACT_MS - Date.now()), stop);
    }
  }
  end() {
    clearTimeout(this.#timer);
  }
  #watch(milliseconds, stop) {
    this.#timer = setTimeout(() => {
      const silent = Date.now() - this.#spoke >= CONTACT_LEAST_MS;
      this.expired = this.#refused || silent;
      if (this.expired) stop();
      else this.#watch(500, stop);
    }, milliseconds);
  }
};
function step(command, args, environment, options, contact) {
  options.debug(`runtime: ${redactUrls([command, ...args].join(" "))}`);
  return run(command, args, {
    environment,
    // Not the user's project: uv would read its settings.
    cwd: join2(options.directory, ".."),
    signal: options.signal,
    timeout: 15 * MINUTE,
    onLine: (line, stop) => {
      contact?.line(line, stop);
      const name = packageIn(line);
      if (name !== void 0) options.onPackage(name);
      options.onLog(redactUrls(line.trim()));
    }
  });
}
function packageIn(line) {
  const subject = /^\s*(?:Collecting|Downloading|Processing|Building|\+)\s+(\S+)/.exec(line)?.[1];
  const name = subject?.split(/[\\/]/).at(-1);
  return name === void 0 ? void 0 : /^([A-Za-z][\w.-]*?)(?:-\d.*|[=<>~!@[;].*)?$/.exec(name)?.[1]?.replaceAll("_", "-");
}

// plugins/modal/src/runtime/private-python.ts
var STAGE = "python-environment";
var PACKAGES = "python-packages";
function rootOf(options) {
  return join3(options.directories.data, "python");
}
function lockFile() {
  return join3(pythonFolder(), "requirements.lock");
}
async function keyOf(options) {
  const hash = createHash("sha256").update(await readFile2(lockFile()));
  const named = options.environment["CLOUDCTL_PYTHON"];
  if (named) hash.update(`\0${named}`);
  return hash.digest("hex").slice(0, 12);
}
async function readReady(root, key) {
  try {
    const ready = JSON.parse(await readFile2(join3(root, `${key}.json`), "utf8"));
    accessSync(ready.python, constants.X_OK);
    return ready.format === 1 ? ready : void 0;
  } catch {
    return void 0;
  }
}
async function readyRuntime(options) {
  return readReady(rootOf(options), await keyOf(options));
}
async function privateRuntime(options, rebuild = false) {
  const root = rootOf(options);
  const key = await keyOf(options);
  const ready = rebuild ? void 0 : await readReady(root, key);
  if (ready !== void 0) return { python: ready.python, source: "private" };
  try {
    await mkdir(root, { recursive: true });
    return { python: (await buildAlone(root, key, options, rebuild)).python, source: "private" };
  } catch (error) {
    throw isCloudError(error) ? error : fileError(error);
  }
}
async function buildAlone(root, key, options, rebuild) {
  const stage = reporter(options, "python-wait", "Waiting for another CloudCTL that builds the Python environment");
  let waited = false;
  const ready = await alone(
    {
      file: join3(root, `${key}.lock`),
      signal: options.signal,
      debug: options.debug,
      onWait: () => {
        waited = true;
        stage("running");
      },
      settled: async () => rebuild ? void 0 : readReady(root, key)
    },
    () => build(root, key, options)
  );
  if (waited) stage("done");
  return ready;
}
async function build(root, key, options) {
  const debug = options.debug ?? (() => void 0);
  await removeLeftovers(root, key, debug);
  const uv = which("uv", options.environment)[0];
  const find = { environment: options.environment, uv, cwd: root, signal: options.signal, debug };
  const stage = reporter(options, STAGE, "Creating the Python environment");
  stage("running");
  let directory;
  try {
    const python = await findPython(find);
    stage("running", `Python ${python.version.join(".")}`);
    directory = join3(
      root,
      `${key}-${python.version[0]}.${python.version[1]}-${process.pid}-${randomBytes(3).toString("hex")}`
    );
    await fill(directory, python, uv, options, debug);
    const ready = await verify(directory, python, options);
    await writeAtomically(join3(root, `${key}.json`), JSON.stringify(ready));
    stage("done", `Python ${ready.version}, modal ${ready.modal}`);
    return ready;
  } catch (error) {
    stage("failed");
    if (directory !== void 0) await rm(directory, { recursive: true, force: true }).catch(() => void 0);
    throw error;
  }
}
async function fill(directory, python, uv, options, debug) {
  const stage = reporter(options, PACKAGES, "Installing the Modal SDK");
  stage("running");
  try {
    await install({
      python,
      uv,
      directory,
      requirements: lockFile(),
      environment: options.environment,
      signal: options.signal,
      onPackage: (name) => stage("running", name),
      onLog: (text) => {
        options.report?.({ kind: "log", id: PACKAGES, text });
        debug(`runtime: ${text}`);
      },
      debug
    });
    stage("done");
  } catch (error) {
    stage("failed");
    throw error;
  }
}
async function verify(directory, python, options) {
  const executable = environmentPython(directory);
  const result = await run(executable, ["-c", "import modal; print(modal.__version__)"], {
    environment: childEnvironment(options.environment),
    signal: options.signal,
    timeout: 12e4
  });
  if (result.code !== 0) throw installError(result.output === "" ? "The SDK cannot be imported." : result.output);
  const modal = result.stdout.trim().split("\n").at(-1) ?? "";
  return { format: 1, python: executable, directory, version: python.version.join("."), modal };
}
function reporter(options, id, title) {
  return (state, detail) => options.report?.({ kind: "stage", id, title, state, ...detail === void 0 ? {} : { detail } });
}
async function removeLeftovers(root, key, debug) {
  const current = await readReady(root, key);
  for (const name of await readdir(root)) {
    const [, pid] = new RegExp(`^${key}-[0-9.]+-([0-9]+)-[0-9a-f]+$`).exec(name) ?? [];
    const directory = join3(root, name);
    if (pid === void 0 || directory === current?.directory) continue;
    if (Number(pid) !== process.pid && isAlive(Number(pid)) && await isRecent(directory)) continue;
    debug(`runtime: removing what an interrupted build left: ${directory}`);
    await rm(directory, { recursive: true, force: true });
  }
}
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
async function isRecent(directory) {
  try {
    return Date.now() - (await stat(directory)).mtimeMs < 24 * 60 * 60 * 1e3;
  } catch {
    return false;
  }
}
export {
  privateRuntime,
  readyRuntime
};
