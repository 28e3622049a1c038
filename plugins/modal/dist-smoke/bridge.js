import {
  Redactor
} from "./chunk-PFYZ7PHN.js";
import {
  packageRoot
} from "./chunk-RMVRSXWG.js";
import {
  CloudError,
  EXIT,
  abortReason,
  abortable,
  absentConfigPath,
  childEnvironment,
  didYouMean,
  environmentError,
  interruptedError,
  isCloudError
} from "./chunk-OYDGFPPA.js";

// plugins/modal/src/bridge/bridge.ts
import { setMaxListeners } from "node:events";
import { join } from "node:path";

// plugins/modal/src/bridge/lines.ts
var NEWLINE = 10;
var LineSplitter = class {
  #onLine;
  #limit;
  #parts = [];
  #length = 0;
  /** @param limit bytes of the longest line that is kept. */
  constructor(onLine, limit = 128 * 1024 * 1024) {
    this.#onLine = onLine;
    this.#limit = limit;
  }
  /** @throws RangeError when a line grows beyond the limit. */
  push(chunk) {
    let start = 0;
    for (; ; ) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end === -1) break;
      this.#emit(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }
  /** Forgets the line that has begun. */
  reset() {
    this.#parts = [];
    this.#length = 0;
  }
  #keep(part) {
    this.#length += part.length;
    if (this.#length > this.#limit) throw new RangeError(`A line is longer than ${this.#limit} bytes.`);
    this.#parts.push(part);
  }
  #emit(last) {
    const line = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    this.#length = 0;
    this.#onLine(line.toString("utf8"));
  }
};

// plugins/modal/src/bridge/tail.ts
var LONGEST_SECRET = 512;
var Tail = class {
  #limit;
  #chunks = [];
  #length = 0;
  #cut = false;
  /** @param limit bytes that {@link text} gives back at most. */
  constructor(limit = 8 * 1024) {
    this.#limit = limit;
  }
  push(chunk) {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > this.#limit * 8) this.#compact();
  }
  /** Whole lines from the end. What was cut through is left out: half a secret could not be recognised as one. */
  text(clean) {
    this.#compact();
    let kept = Buffer.concat(this.#chunks).toString("utf8");
    if (this.#cut) kept = kept.slice(kept.includes("\n") ? kept.indexOf("\n") + 1 : LONGEST_SECRET);
    const cleaned = clean(kept).trimEnd();
    if (cleaned.length <= this.#limit) return cleaned;
    const end = cleaned.slice(-this.#limit);
    return end.slice(end.indexOf("\n") + 1);
  }
  #compact() {
    const keep = this.#limit * 2;
    if (this.#length <= keep) return;
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [Buffer.from(all.subarray(all.length - keep))];
    this.#length = keep;
    this.#cut = true;
  }
};

// plugins/modal/src/bridge/child.ts
var DRAIN_MS = 300;
var LINGER_MS = 1e3;
var CLOSE_STEP_MS = 1e3;
var SECRETS = 3;
var WINDOWS = process.platform === "win32";
var PythonChild = class _PythonChild {
  /** Settles when the process has ended and its output is read. Never rejects. */
  exited;
  #process;
  #stdin;
  #stdout;
  #tail = new Tail();
  #alive = true;
  #paused = 0;
  #writing = Promise.resolve();
  #closing;
  #settle = () => void 0;
  /** Starts a process. Its failure to start is told by {@link exited}. */
  static async start(options) {
    const { PythonShell } = await import("python-shell");
    const shell = new PythonShell(options.script, {
      mode: "binary",
      // Anything without a parser of that name: python-shell then leaves stderr alone.
      stderrParser: "none",
      pythonPath: options.python,
      pythonOptions: ["-X", "utf8"],
      env: options.environment,
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      // A group of its own: Ctrl-C on the terminal reaches the CLI alone, which then cancels in good order.
      detached: !WINDOWS,
      windowsHide: true
    });
    shell.on("error", () => void 0);
    return new _PythonChild(shell.childProcess, options);
  }
  constructor(child, options) {
    this.#process = child;
    this.exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#stdin = child.stdin;
    this.#stdout = child.stdout;
    this.#readOutput(options);
    this.#readNoise(child.stderr, options);
    for (const stream of [this.#stdin, this.#secrets()]) stream?.on("error", () => this.#expectExit());
    child.once("error", (error) => {
      if (child.pid === void 0) this.#finish({ code: null, signal: null, error });
    });
    child.once("close", (code, signal) => this.#finish({ code, signal }));
    child.once("exit", (code, signal) => this.#drain({ code, signal }));
    this.hold(false);
  }
  get pid() {
    return this.#process.pid;
  }
  get alive() {
    return this.#alive;
  }
  /** The end of what the child wrote to stderr. */
  noise(clean) {
    return this.#tail.text(clean);
  }
  /** Writes one line, after those before it and when the child has room. Resolves when it is handed over. */
  send(line) {
    const written = this.#writing.then(() => this.#write(`${line()}
`));
    this.#writing = written.catch(() => void 0);
    return written;
  }
  async #write(text2) {
    if (!this.#alive || !this.#stdin.writable) throw new Error("The child takes no more input.");
    if (this.#stdin.write(text2)) return;
    await new Promise((resolve, reject) => {
      const done = () => {
        this.#stdin.off("drain", done).off("close", failed);
        resolve();
      };
      const failed = () => {
        this.#stdin.off("drain", done).off("close", failed);
        reject(new Error("The child closed its input."));
      };
      this.#stdin.once("drain", done).once("close", failed);
    });
  }
  /** Writes the one object on fd 3 and closes it. */
  sendSecrets(json) {
    this.#secrets()?.end(json);
  }
  #secrets() {
    return this.#process.stdio?.[SECRETS] ?? void 0;
  }
  /** Stops reading until the returned function is called, so that a slow consumer holds the child back. */
  pause() {
    this.#paused++;
    this.#stdout.pause();
    let resumed = false;
    return () => {
      if (resumed) return;
      resumed = true;
      this.#paused--;
      if (this.#paused === 0) this.#stdout.resume();
    };
  }
  /** Whether Node stays alive for this child. An idle one that nobody closed must not keep the CLI from ending. */
  hold(needed) {
    const streams = [this.#process.stdin, this.#process.stdout, this.#process.stderr, this.#secrets()];
    for (const handle of [this.#process, ...streams]) {
      if (needed) handle?.ref?.();
      else handle?.unref?.();
    }
  }
  /** Sends a signal to the child and to all that it has started. */
  kill(signal) {
    const { pid } = this.#process;
    if (pid === void 0 || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    try {
      if (WINDOWS) this.#process.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      this.#process.kill(signal);
    }
  }
  /** Ends the process: end of input, SIGTERM after a second, SIGKILL after another. Safe to call twice. */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }
  async #close() {
    this.hold(true);
    this.#stdin.end();
    this.#secrets()?.end();
    this.#paused = 0;
    this.#stdout.resume();
    for (const signal of ["SIGTERM", "SIGKILL"]) {
      if (await this.#endsWithin(CLOSE_STEP_MS)) return;
      this.kill(signal);
    }
    await this.#endsWithin(CLOSE_STEP_MS);
  }
  async #endsWithin(milliseconds) {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(false), milliseconds);
    });
    const ended = await Promise.race([this.exited.then(() => true), late]);
    clearTimeout(timer);
    return ended;
  }
  #readOutput(options) {
    const lines = new LineSplitter(options.onLine);
    this.#stdout.on("data", (chunk) => {
      try {
        lines.push(chunk);
      } catch {
        this.kill("SIGKILL");
      }
    });
    this.#stdout.on("error", () => this.#expectExit());
    this.#stdout.on("end", () => this.#expectExit());
  }
  #readNoise(stderr, options) {
    stderr.removeAllListeners("data");
    const { onNoise } = options;
    const lines = onNoise === void 0 ? void 0 : new LineSplitter(onNoise, 64 * 1024);
    stderr.on("error", () => void 0);
    stderr.on("data", (chunk) => {
      this.#tail.push(chunk);
      try {
        lines?.push(chunk);
      } catch {
        lines?.reset();
      }
    });
    stderr.resume();
  }
  /** A pipe is gone: the process should be about to end. */
  #expectExit() {
    if (!this.#alive) return;
    const timer = setTimeout(() => this.kill("SIGKILL"), LINGER_MS);
    timer.unref();
    void this.exited.then(() => clearTimeout(timer));
  }
  /** The process is gone; give its last output the time to be read. */
  #drain(exit) {
    const timer = setTimeout(() => {
      if (this.#paused > 0) this.#drain(exit);
      else this.#finish(exit);
    }, DRAIN_MS);
    void this.exited.then(() => clearTimeout(timer));
  }
  #finish(exit) {
    if (!this.#alive) return;
    this.#alive = false;
    for (const stream of [this.#process.stdin, this.#process.stdout, this.#process.stderr, this.#secrets()]) {
      stream?.destroy();
    }
    this.#settle(exit);
  }
};

// plugins/modal/src/bridge/errors.ts
var PROVIDER = "modal";
var BUG_HINT = "This is a bug in CloudCTL. Run again with DEBUG=cloudctl:* and report what it prints.";
var REBUILD = "Build the Python environment anew: cloudctl modal setup --rebuild";
var SECRETS2 = "Store the token again: cloudctl secrets set --provider modal";
function fixed(exitCode, ...hints) {
  return (error) => ({ code: error.code, exitCode, hints });
}
var MAPPINGS = {
  PROTOCOL: fixed(EXIT.bug, BUG_HINT),
  UNKNOWN_METHOD: fixed(EXIT.bug, BUG_HINT),
  INVALID_PARAMS: fixed(EXIT.bug, BUG_HINT),
  INTERNAL: fixed(EXIT.bug, BUG_HINT),
  HANDLER_NOT_FOUND: handlerNotFound,
  SYNTAX_ERROR: (error) => ({
    code: error.code,
    exitCode: EXIT.usage,
    hints: [`Check it: python -m py_compile ${field(error, "file") ?? "FILE"}`]
  }),
  DEFINES_MODAL_APP: fixed(
    EXIT.usage,
    "Take the modal.App and its decorators out of the file: CloudCTL deploys plain functions.",
    "Or deploy that file with Modal itself: modal deploy FILE"
  ),
  UNREACHABLE: fixed(
    EXIT.environment,
    "Check the network connection, and HTTPS_PROXY where there is a proxy, then run the same command again.",
    "To work without a network: add --target local"
  ),
  AUTH: fixed(
    EXIT.credentials,
    SECRETS2,
    "Or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET in the environment.",
    "A new token: Modal's settings, API Tokens."
  ),
  PERMISSION: fixed(EXIT.provider, "Ask an owner of the workspace for the role, or use another workspace's token."),
  NOT_FOUND: notFound,
  INVALID: fixed(EXIT.usage),
  CONFLICT: fixed(EXIT.provider, "Something else changed it at the same time. Run the same command again."),
  LIMIT: fixed(
    EXIT.provider,
    "See the workspace's limits in Modal's settings, or wait and run the same command again."
  ),
  FOREIGN_FUNCTIONS: fixed(EXIT.provider, "Deploy into another app: --app NAME", "Or drop those functions: --replace"),
  IMAGE_BUILD: fixed(EXIT.provider, "The end of the build log is in error.data.log: run again with --json to see it."),
  REMOTE_EXCEPTION: fixed(EXIT.provider, "The function's own code raised it. Its traceback: run again with --json."),
  REMOTE_TIMEOUT: fixed(EXIT.provider, "Give the function more time: deploy it again with a larger --timeout"),
  NOT_JSON: fixed(EXIT.provider, "Let the handler return text, numbers, lists or dictionaries."),
  BAD_INPUT: fixed(EXIT.usage),
  PROVIDER: fixed(EXIT.provider)
};
function field(error, name) {
  const value = error.data?.[name];
  return typeof value === "string" ? value : void 0;
}
function texts(error, name) {
  const value = error.data?.[name];
  return Array.isArray(value) ? value.filter((entry) => typeof entry === "string") : [];
}
function param(subject, name) {
  const value = subject.params?.[name];
  return typeof value === "string" ? value : void 0;
}
function handlerNotFound(error, subject) {
  const near = texts(error, "suggestions");
  const hints = near.length > 0 ? near.map((name) => `Name it: --handler ${name}`) : ["Name the function: --handler MODULE.FUNCTION, for example --handler main.handler"];
  const directory = param(subject, "directory");
  if (error.data?.["reason"] === "file" && directory !== void 0) hints.push(`Looked in ${directory}`);
  return { code: error.code, exitCode: EXIT.usage, hints };
}
function notFound(error) {
  const kind = field(error, "kind") ?? "object";
  const name = field(error, "name") ?? "NAME";
  const commands = {
    app: ["See what is deployed: cloudctl list ai --provider modal"],
    function: ["See what is deployed: cloudctl list ai --provider modal"],
    volume: [`Create it: cloudctl deploy storage ${name} --provider modal`],
    secret: [`Create it in Modal: modal secret create ${name} KEY=VALUE`],
    environment: ["Name one that exists in MODAL_ENVIRONMENT, or unset it."]
  };
  return {
    code: `${kind.toUpperCase()}_NOT_FOUND`,
    exitCode: EXIT.notFound,
    hints: [...didYouMean(name, texts(error, "suggestions")), ...commands[kind] ?? ["See what is deployed: cloudctl list --provider modal"]]
  };
}
function replyError(error, subject, clean) {
  if (error.code === "CANCELLED") return interruptedError();
  const mapping = MAPPINGS[error.code] ?? fixed(EXIT.provider);
  const { code, exitCode, hints } = mapping(error, subject);
  return new CloudError(String(clean(error.message)), {
    code,
    exitCode,
    hints,
    provider: PROVIDER,
    ...error.data === void 0 ? {} : { data: clean(error.data) }
  });
}
function uncertain(subject, sent) {
  if (!sent) return [];
  if (subject.method === "deployApp")
    return ["Whether it took effect is unknown. See: cloudctl list ai --provider modal"];
  if (subject.method === "createVolume") {
    return ["Whether it took effect is unknown. See: cloudctl list storage --provider modal"];
  }
  return subject.method === "call" ? ["Whether the function ran is unknown."] : [];
}
function deathError(exit, stderr, subject, sent) {
  const data = {
    exitCode: exit.code,
    signal: exit.signal,
    ...stderr === "" ? {} : { stderr }
  };
  if (exit.error !== void 0) {
    return environmentError("PYTHON_NOT_STARTED", `Python could not be started: ${exit.error.message}`, {
      provider: PROVIDER,
      hints: [REBUILD],
      data,
      cause: exit.error
    });
  }
  const how = exit.signal === null ? `with exit code ${exit.code ?? "unknown"}` : `by the signal ${exit.signal}`;
  const last = stderr.split("\n").findLast((line) => line.trim() !== "");
  const why = exit.signal === null && last !== void 0 ? `: ${last.trim().slice(0, 300)}` : ".";
  return environmentError("PYTHON_DIED", `The Python process of the Modal plugin ended ${how}${why}`, {
    provider: PROVIDER,
    hints: [
      ...uncertain(subject, sent),
      ...exit.signal === "SIGKILL" ? ["The system may have run out of memory."] : [],
      REBUILD
    ],
    data
  });
}
function deadlineError(subject, milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1e3));
  return environmentError("TIMEOUT", `Modal did not finish "${subject.method}" within ${seconds} seconds.`, {
    provider: PROVIDER,
    hints: [
      ...uncertain(subject, true),
      "Check the network connection and run the same command again; DEBUG=cloudctl:* shows what it waits for."
    ],
    data: { method: subject.method, seconds }
  });
}
function protocolError(problem, subject) {
  return new CloudError(`The Python side of the Modal plugin gave an answer that cannot be read: it ${problem}.`, {
    code: "PROTOCOL",
    exitCode: EXIT.bug,
    hints: [BUG_HINT],
    provider: PROVIDER,
    data: { method: subject.method }
  });
}
function versionError(reason) {
  return environmentError("PROTOCOL_MISMATCH", `The two halves of the Modal plugin do not fit together: ${reason}`, {
    provider: PROVIDER,
    hints: ["Install the plugin again: cloudctl plugins install modal --force"]
  });
}
function missingSdkError(python, named) {
  return environmentError("MODAL_SDK_MISSING", `Modal's Python package is not installed in ${python}.`, {
    provider: PROVIDER,
    hints: [named ? `Install it: ${python} -m pip install "modal>=1.5.1"` : REBUILD]
  });
}
function closedError() {
  return new CloudError("The connection to Modal was closed.", {
    code: "BRIDGE_CLOSED",
    exitCode: EXIT.interrupted,
    provider: PROVIDER
  });
}

// plugins/modal/src/bridge/protocol.ts
var PROTOCOL_VERSION = 1;
var ERROR_CODES = [
  ...["PROTOCOL", "UNKNOWN_METHOD", "INVALID_PARAMS", "CANCELLED", "INTERNAL"],
  ...["HANDLER_NOT_FOUND", "SYNTAX_ERROR", "DEFINES_MODAL_APP", "UNREACHABLE", "AUTH", "PERMISSION", "NOT_FOUND"],
  ...["INVALID", "CONFLICT", "LIMIT", "FOREIGN_FUNCTIONS", "IMAGE_BUILD", "REMOTE_EXCEPTION", "REMOTE_TIMEOUT"],
  ...["NOT_JSON", "BAD_INPUT", "PROVIDER"]
];
var SECOND = 1e3;
var MINUTE = 60 * SECOND;
var METHODS = {
  hello: { remote: false, idempotent: true, deadline: 30 * SECOND },
  inspect: { remote: false, idempotent: true, deadline: 30 * SECOND },
  whoami: { remote: true, idempotent: true, deadline: 30 * SECOND },
  layout: { remote: true, idempotent: true, deadline: MINUTE },
  listFunctions: { remote: true, idempotent: true, deadline: 2 * MINUTE },
  listVolumes: { remote: true, idempotent: true, deadline: 2 * MINUTE },
  createVolume: { remote: true, idempotent: false, deadline: MINUTE },
  // Images with GPU libraries take many minutes to build.
  deployApp: { remote: true, idempotent: false, deadline: 120 * MINUTE },
  // The longest that a function may run on Modal.
  call: { remote: true, idempotent: false, deadline: 24 * 60 * MINUTE }
};

// plugins/modal/src/bridge/checks.ts
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
var anything = () => void 0;
var text = (value) => typeof value === "string" ? void 0 : "is not text";
var filled = (value) => typeof value === "string" && value !== "" ? void 0 : "is not text, or empty";
var flag = (value) => typeof value === "boolean" ? void 0 : "is neither true nor false";
function integer(least) {
  return (value) => Number.isSafeInteger(value) && value >= least ? void 0 : `is not an integer from ${least}`;
}
function matching(pattern, what) {
  return (value) => typeof value === "string" && pattern.test(value) ? void 0 : `is not ${what}`;
}
function oneOf(values) {
  const known = new Set(values);
  return (value) => known.has(value) ? void 0 : `is none of ${values.join(", ")}`;
}
function list(entry) {
  return (value) => {
    if (!Array.isArray(value)) return "is not a list";
    for (let index = 0; index < value.length; index++) {
      const problem = entry(value[index]);
      if (problem !== void 0) return `[${index}] ${problem}`;
    }
    return void 0;
  };
}
function shape(required, optional = {}) {
  const needed = Object.entries(required);
  const possible = Object.entries(optional);
  return (value) => {
    if (!isRecord(value)) return "is not an object";
    for (const [name, check] of needed) {
      if (!Object.hasOwn(value, name)) return `lacks "${name}"`;
      const problem = check(value[name]);
      if (problem !== void 0) return `.${name} ${problem}`;
    }
    for (const [name, check] of possible) {
      const found = value[name];
      if (found === void 0) continue;
      if (found === null) delete value[name];
      else {
        const problem = check(found);
        if (problem !== void 0) return `.${name} ${problem}`;
      }
    }
    return void 0;
  };
}

// plugins/modal/src/bridge/messages.ts
var time = matching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/, "a time in UTC");
var functionName = matching(/^(?!.*-http$)[A-Za-z0-9_-]{1,64}$/, "a function's name");
var digest = matching(/^(sha256:)?[0-9a-f]{64}$/, "a SHA-256 digest");
var texts2 = list(text);
var someTexts = (value) => texts2(value) ?? (value.length > 0 ? void 0 : "is empty");
var signature = shape({
  module: filled,
  attribute: filled,
  file: filled,
  line: integer(1),
  kind: oneOf(["sync", "async", "generator", "asyncGenerator", "unknown"]),
  parameters: list(
    shape({ name: filled, kind: oneOf(["positional", "keyword", "varPositional", "varKeyword"]), required: flag })
  )
});
var RESULTS = {
  hello: shape({ protocol: oneOf([PROTOCOL_VERSION]), python: text, capabilities: texts2 }, { sdk: text }),
  inspect: signature,
  whoami: shape({ workspace: text, environment: text }, { tokenName: text, user: text, expiresAt: time }),
  deployApp: shape({
    appId: filled,
    dashboardUrl: text,
    functions: list(shape({ name: functionName, id: filled, dashboardUrl: text, signature }, { url: text, httpId: text })),
    carried: list(functionName),
    warnings: texts2
  }),
  layout: shape(
    {
      functions: list(shape({ name: filled, id: filled, managed: flag }, { url: text })),
      managed: list(
        shape({ name: functionName, digest, deployedAt: time, functionId: filled, client: text }, { spec: anything })
      )
    },
    { appId: text, warnings: texts2 }
  ),
  listFunctions: shape({
    functions: list(
      shape(
        { id: filled, name: filled, app: text, appId: filled, status: filled, createdAt: time, dashboardUrl: text },
        { url: text }
      )
    ),
    warnings: texts2
  }),
  listVolumes: shape({
    volumes: list(shape({ id: filled, name: filled, createdAt: time }, { createdBy: text })),
    warnings: texts2
  }),
  createVolume: shape({ id: filled, name: filled, created: flag, createdAt: time, dashboardUrl: text }),
  call: shape({ value: anything }, { items: integer(0) })
};
var ERROR_DATA = {
  INTERNAL: shape({ traceback: text }),
  HANDLER_NOT_FOUND: shape({ suggestions: texts2, reason: oneOf(["file", "attribute", "class"]) }),
  SYNTAX_ERROR: shape({ file: text, line: integer(1), column: integer(1), text }),
  DEFINES_MODAL_APP: shape({ file: text, line: integer(1) }),
  UNREACHABLE: shape({ server: text }),
  NOT_FOUND: shape({ kind: oneOf(["app", "function", "volume", "secret", "environment"]), name: text }),
  FOREIGN_FUNCTIONS: shape({ functions: someTexts }),
  IMAGE_BUILD: shape({ log: text }),
  REMOTE_EXCEPTION: shape({ type: text, traceback: text }),
  NOT_JSON: shape({ type: text })
};
var KNOWN_CODES = new Set(ERROR_CODES);
var progressParams = shape(
  {
    stage: oneOf(["connect", "image", "upload", "function", "publish", "record"]),
    state: oneOf(["running", "done"]),
    message: text
  },
  { log: text }
);
var requestId = integer(1);
function isId(value) {
  return requestId(value) === void 0;
}
function checkResult(method, result) {
  return RESULTS[method](result);
}
function readMessage(line) {
  let message;
  try {
    message = JSON.parse(line);
  } catch {
    return { kind: "noise", problem: "is not JSON" };
  }
  if (!isRecord(message)) return { kind: "noise", problem: "is not an object" };
  if (Object.hasOwn(message, "method")) return readNotification(message);
  return readReply(message);
}
function readNotification(message) {
  const { method, params } = message;
  if (Object.hasOwn(message, "id")) return { kind: "noise", problem: "is a notification with an id of its own" };
  if (!isRecord(params) || !isId(params["id"])) return { kind: "noise", problem: "names no request" };
  const id = params["id"];
  if (method === "item") {
    if (!Object.hasOwn(params, "value")) return { kind: "noise", problem: "is an item without a value", id };
    return { kind: "item", id, value: params["value"] };
  }
  if (method !== "progress") return { kind: "noise", problem: "is an unknown notification" };
  const problem = progressParams(params);
  if (problem !== void 0) return { kind: "noise", problem: `is progress that ${problem}` };
  return { kind: "progress", id, progress: params };
}
function readReply(message) {
  const id = message["id"];
  const hasResult = Object.hasOwn(message, "result");
  const hasError = Object.hasOwn(message, "error");
  if (id === null && hasError && !hasResult) return readFailure(null, message["error"]);
  if (!isId(id)) return { kind: "noise", problem: "has no usable id" };
  if (hasResult === hasError) return { kind: "noise", problem: "has not exactly one of result and error", id };
  if (hasError) return readFailure(id, message["error"]);
  const result = message["result"];
  if (!isRecord(result)) return { kind: "noise", problem: "has a result that is not an object", id };
  return { kind: "result", id, result };
}
function readFailure(id, error) {
  if (!isRecord(error) || filled(error["message"]) !== void 0 || typeof error["code"] !== "string") {
    return { kind: "noise", problem: "has an error without code and message", ...id === null ? {} : { id } };
  }
  const { code, message, data } = error;
  const problem = errorProblem(id, code, data);
  return {
    kind: "error",
    id,
    error: { code, message, ...isRecord(data) ? { data } : {} },
    ...problem === void 0 ? {} : { problem }
  };
}
function errorProblem(id, code, data) {
  if (!KNOWN_CODES.has(code)) return `unknown error code ${code}`;
  if (id === null && code !== "PROTOCOL") return `${code} for no request`;
  const check = ERROR_DATA[code];
  if (check !== void 0) return check(data);
  return data === void 0 || data === null || isRecord(data) ? void 0 : "data is not an object";
}

// plugins/modal/src/bridge/session.ts
var RequestFailure = class extends Error {
  constructor(failure) {
    super(failure.kind);
    this.failure = failure;
  }
  failure;
};
var Session = class {
  #debug;
  #pending = /* @__PURE__ */ new Map();
  #child;
  #lastId = 0;
  #exit;
  constructor(debug) {
    this.#debug = debug;
  }
  /** Takes the child whose lines {@link receive} gets. */
  attach(child) {
    this.#child = child;
    void child.exited.then((exit) => {
      this.#exit = exit;
      for (const id of [...this.#pending.keys()]) this.#fail(id, { kind: "death", exit });
    });
  }
  get child() {
    return this.#child;
  }
  get alive() {
    return this.#exit === void 0 && this.#child?.alive === true;
  }
  /** Sends a request. */
  request(method, params, listeners) {
    const id = ++this.#lastId;
    const result = new Promise((resolve, reject) => {
      this.#pending.set(id, {
        method,
        listeners,
        resolve,
        reject,
        items: void 0
      });
    });
    this.#child?.hold(true);
    const sent = (this.#child?.send(() => JSON.stringify({ id, method, params })) ?? Promise.resolve()).catch(
      () => void 0
    );
    if (this.#exit !== void 0) this.#fail(id, { kind: "death", exit: this.#exit });
    return { id, sent, result };
  }
  /** Asks the child to give a request up. The reply still comes. */
  cancel(id) {
    if (!this.#pending.has(id)) return;
    void this.#child?.send(() => JSON.stringify({ method: "cancel", params: { id } })).catch(() => void 0);
  }
  /** Takes a line of the child's. */
  receive(line) {
    const message = readMessage(line);
    switch (message.kind) {
      case "result":
        this.#result(message.id, message.result);
        break;
      case "error":
        this.#error(message);
        break;
      case "progress":
        this.#pending.get(message.id)?.listeners.onProgress?.(message.progress);
        break;
      case "item":
        this.#item(message.id, message.value);
        break;
      case "noise":
        this.#debug(`bridge: ignored a line that ${message.problem}: ${line.slice(0, 200)}`);
        if (message.id !== void 0) this.#fail(message.id, { kind: "protocol", problem: message.problem });
    }
  }
  #result(id, result) {
    const pending = this.#pending.get(id);
    if (pending === void 0) {
      this.#debug(`bridge: ignored a reply to request ${id}, which nobody awaits`);
      return;
    }
    const problem = checkResult(pending.method, result);
    if (problem !== void 0) this.#fail(id, { kind: "protocol", problem: `result ${problem}` });
    else this.#settle(id, () => pending.resolve(result));
  }
  #error(message) {
    if (message.problem !== void 0) this.#debug(`bridge: an error that is not as agreed: ${message.problem}`);
    if (message.id !== null) {
      this.#fail(message.id, { kind: "reply", error: message.error });
      return;
    }
    for (const id of [...this.#pending.keys()]) this.#fail(id, { kind: "protocol", problem: message.error.message });
  }
  #fail(id, failure) {
    const pending = this.#pending.get(id);
    if (pending !== void 0) this.#settle(id, () => pending.reject(new RequestFailure(failure)));
  }
  /** Ends a request, after the consumer has taken its items. */
  #settle(id, end) {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (pending?.items === void 0) end();
    else void pending.items.then(end);
    if (this.#pending.size === 0) this.#child?.hold(false);
  }
  #item(id, value) {
    const pending = this.#pending.get(id);
    const onItem = pending?.listeners.onItem;
    if (pending === void 0 || onItem === void 0) return;
    const take = async () => {
      try {
        await onItem(value);
      } catch (error) {
        this.#refuse(id, pending, error);
      }
    };
    const resume = this.#child?.pause();
    const taken = (pending.items ?? Promise.resolve()).then(take).then(() => {
      resume?.();
      if (pending.items === taken) pending.items = void 0;
    });
    pending.items = taken;
  }
  /** The consumer threw: the rest is of no use to it. */
  #refuse(id, pending, error) {
    this.cancel(id);
    this.#pending.delete(id);
    pending.reject(new RequestFailure({ kind: "consumer", error }));
    if (this.#pending.size === 0) this.#child?.hold(false);
  }
};

// plugins/modal/src/bridge/bridge.ts
var GRACE_MS = 2e3;
var Attempt = class extends Error {
  constructor(error, died, sent) {
    super(error.message);
    this.error = error;
    this.died = died;
    this.sent = sent;
  }
  error;
  died;
  sent;
};
var Bridge = class {
  #options;
  #environment;
  #debug;
  #grace;
  #redactor = new Redactor();
  #ending = new AbortController();
  #children = /* @__PURE__ */ new Set();
  #spawning = Promise.resolve();
  #line;
  #connection;
  #closing;
  constructor(options) {
    this.#options = options;
    this.#environment = options.environment ?? process.env;
    setMaxListeners(0, this.#ending.signal);
    this.#debug = (message) => options.debug?.(this.#redactor.text(message));
    this.#grace = options.grace ?? GRACE_MS;
  }
  /** Starts the child ahead of the first request. Never throws; a failure shows at the request. */
  start() {
    if (this.#closing === void 0) this.#current().catch(() => void 0);
  }
  /** Asks for the connection ahead of the first request that needs it. Never throws. */
  connect() {
    if (this.#closing === void 0) this.#connected().catch(() => void 0);
  }
  /** Versions of the child, the SDK and Python. */
  async hello(options = {}) {
    const line = await this.#within(this.#current(), options.signal);
    try {
      return await this.#within(line.hello, options.signal);
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      const failed = this.#failed(error, { method: "hello", params: {} }, line, false);
      throw failed instanceof Attempt ? failed.error : failed;
    }
  }
  /** Reads a handler's signature from its source, without running it. Needs no connection. */
  inspect(params, options) {
    return this.request("inspect", params, options);
  }
  /** Whose workspace the tokens belong to. */
  whoami(options) {
    return this.request("whoami", {}, options);
  }
  /** Publishes an app as a whole. Sent once only. */
  deployApp(params, options) {
    return this.request("deployApp", params, options);
  }
  /** What is live in an app. */
  layout(params, options) {
    return this.request("layout", params, options);
  }
  listFunctions(options) {
    return this.request("listFunctions", {}, options);
  }
  listVolumes(options) {
    return this.request("listVolumes", {}, options);
  }
  /** Creates a volume, or finds it. */
  createVolume(params, options) {
    return this.request("createVolume", params, options);
  }
  /** Runs a function once; the values of a generator go to `onItem`. Sent once only. */
  call(params, options) {
    return this.request("call", params, options);
  }
  /** Sends any method. An idempotent one, or one that was not yet sent, is tried once more when the child dies. */
  async request(method, params, options = {}) {
    if (options.signal !== void 0) setMaxListeners(0, options.signal);
    for (let retried = false; ; retried = true) {
      try {
        return await this.#attempt(method, params, options);
      } catch (error) {
        if (!(error instanceof Attempt)) throw error;
        const again = error.died && (!error.sent || METHODS[method].idempotent);
        if (!again || retried || this.#closing !== void 0) throw error.error;
        this.#debug(`bridge: the child died during ${method}; trying once more on a fresh one`);
      }
    }
  }
  /** Ends the child and rejects what is pending. Safe to call twice; nothing of the bridge keeps Node alive then. */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }
  async #close() {
    this.#ending.abort(closedError());
    await this.#spawning;
    await Promise.all([...this.#children].map((child) => child.close()));
  }
  async #attempt(method, params, options) {
    const { signal } = options;
    const subject = { method, params };
    const line = await this.#within(this.#current(), signal);
    try {
      await this.#within(line.hello, signal);
      if (METHODS[method].remote) await this.#within(this.#join(line), signal);
    } catch (error) {
      if (error instanceof RequestFailure) throw this.#failed(error, subject, line, false);
      throw error;
    }
    const began = performance.now();
    const ticket = line.session.request(method, params, options);
    let sent = false;
    void ticket.sent.then(() => {
      sent = true;
    });
    try {
      const result = await this.#watch(ticket, subject, line, options);
      this.#debug(`bridge: ${ticket.id} ${method} in ${Math.round(performance.now() - began)} ms`);
      return result;
    } catch (error) {
      if (error instanceof RequestFailure) throw this.#failed(error, subject, line, sent);
      throw error;
    }
  }
  /** Waits for a reply; past the deadline or an abort, cancels, and kills a child that does not answer to that. */
  #watch(ticket, subject, line, options) {
    const { session, child } = line;
    const deadline = options.deadline ?? METHODS[subject.method].deadline;
    const signals = [this.#ending.signal, ...options.signal === void 0 ? [] : [options.signal]];
    return new Promise((resolve, reject) => {
      let ending;
      let killing;
      const end = (error) => {
        if (ending !== void 0) return;
        ending = error;
        session.cancel(ticket.id);
        killing = setTimeout(() => {
          this.#debug(`bridge: request ${ticket.id} did not end in time; killing the child`);
          child.kill("SIGKILL");
        }, this.#grace);
      };
      const onAbort = () => end(abortReason(signals.find((signal) => signal.aborted)));
      const timer = setTimeout(() => end(deadlineError(subject, deadline)), deadline);
      for (const signal of signals) signal.addEventListener("abort", onAbort, { once: true });
      if (signals.some((signal) => signal.aborted)) onAbort();
      const clean = () => {
        clearTimeout(timer);
        clearTimeout(killing);
        for (const signal of signals) signal.removeEventListener("abort", onAbort);
      };
      ticket.result.then(
        (result) => {
          clean();
          resolve(result);
        },
        (error) => {
          clean();
          reject(ending ?? error);
        }
      );
    });
  }
  #failed({ failure }, subject, line, sent) {
    switch (failure.kind) {
      case "reply":
        return replyError(failure.error, subject, (value) => this.#redactor.deep(value));
      case "protocol":
        return protocolError(failure.problem, subject);
      case "consumer":
        return failure.error;
      case "death": {
        const noise = line.child.noise((text2) => this.#redactor.text(text2));
        const error = deathError(failure.exit, noise, subject, sent);
        return new Attempt(error, failure.exit.error === void 0, sent);
      }
    }
  }
  /** The running child, or a new one where there is none. */
  #current() {
    if (this.#closing !== void 0) return Promise.reject(closedError());
    this.#line ??= this.#open();
    const line = this.#line;
    const forget = () => {
      if (this.#line === line) this.#line = void 0;
    };
    return line.then(
      (opened) => {
        if (opened.session.alive) return opened;
        forget();
        return this.#current();
      },
      (error) => {
        forget();
        throw error;
      }
    );
  }
  async #open() {
    const runtime = await this.#options.runtime();
    if (this.#closing !== void 0) throw closedError();
    const session = new Session(this.#debug);
    const began = performance.now();
    const child = await this.#spawn(runtime, session);
    session.attach(child);
    const hello = this.#greet(session, child, began);
    hello.catch(() => void 0);
    const line = { session, child, runtime, hello, connected: void 0 };
    return line;
  }
  async #spawn(runtime, session) {
    const starting = PythonChild.start({
      python: runtime.python,
      script: this.#options.script ?? join(packageRoot(), "python", "child.py"),
      environment: { ...childEnvironment(this.#environment), MODAL_CONFIG_PATH: absentConfigPath(packageRoot()) },
      onLine: (line) => session.receive(line),
      ...this.#options.debug === void 0 ? {} : { onNoise: (line) => this.#debug(`python: ${line}`) }
    }).then((child) => {
      this.#children.add(child);
      this.#debug(`bridge: started process ${child.pid ?? "none"}`);
      void child.exited.then(() => this.#children.delete(child));
      return child;
    });
    this.#spawning = starting.catch(() => void 0);
    return starting;
  }
  async #greet(session, child, began) {
    const { client } = this.#options;
    const params = { protocol: PROTOCOL_VERSION, client: `${client.name}/${client.version}` };
    const ticket = session.request("hello", params, {});
    const subject = { method: "hello", params };
    const timer = setTimeout(() => child.kill("SIGKILL"), METHODS.hello.deadline);
    try {
      const hello = await ticket.result;
      this.#debug(
        `bridge: Python ${hello.python}, modal ${hello.sdk ?? "missing"}, ready in ${Math.round(performance.now() - began)} ms`
      );
      return hello;
    } catch (error) {
      if (!(error instanceof RequestFailure) || error.failure.kind === "death") throw error;
      void child.close();
      if (error.failure.kind === "protocol") throw versionError(`the Python side's greeting ${error.failure.problem}.`);
      if (error.failure.kind === "reply") throw versionError(error.failure.error.message);
      throw replyError({ code: "INTERNAL", message: String(error.failure.error) }, subject, (value) => value);
    } finally {
      clearTimeout(timer);
    }
  }
  /** Hands the connection to a child, once. */
  #join(line) {
    line.connected ??= this.#connected().then(
      async (connection) => {
        line.child.sendSecrets(JSON.stringify({ environment: connection.environment }));
        const hello = await line.hello;
        if (hello.sdk === void 0) throw missingSdkError(line.runtime.python, line.runtime.source === "named");
      },
      (error) => {
        line.connected = void 0;
        throw error;
      }
    );
    return line.connected;
  }
  #connected() {
    this.#connection ??= this.#options.connection().then(
      (connection) => {
        this.#redactor.addEnvironment(connection.environment);
        return connection;
      },
      (error) => {
        this.#connection = void 0;
        if (isCloudError(error)) throw error;
        throw environmentError("CONNECTION", `The connection to Modal could not be set up: ${String(error)}`, {
          provider: PROVIDER,
          cause: error
        });
      }
    );
    return this.#connection;
  }
  #within(work, signal) {
    return abortable(work, [this.#ending.signal, signal]);
  }
};
export {
  Bridge
};
