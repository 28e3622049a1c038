// packages/provider-sdk/src/errors.ts
var EXIT = {
  ok: 0,
  bug: 1,
  usage: 2,
  notFound: 3,
  credentials: 4,
  provider: 5,
  partial: 6,
  environment: 7,
  budget: 8,
  changes: 9,
  interrupted: 130
};
var CloudError = class extends Error {
  name = "CloudError";
  cloudctl = 1;
  code;
  exitCode;
  hints;
  provider;
  data;
  constructor(message, details) {
    super(message, { cause: details.cause });
    this.code = details.code;
    this.exitCode = details.exitCode;
    this.hints = details.hints ?? [];
    if (details.provider !== void 0) this.provider = details.provider;
    if (details.data !== void 0) this.data = details.data;
  }
};
function isCloudError(error) {
  return error instanceof Error && "cloudctl" in error && error.cloudctl === 1;
}
function environmentError(code, message, rest = {}) {
  return new CloudError(message, { ...rest, code, exitCode: EXIT.environment });
}
function interruptedError(message = "Interrupted.") {
  return new CloudError(message, { code: "INTERRUPTED", exitCode: EXIT.interrupted });
}

// packages/provider-sdk/src/secret.ts
import { inspect } from "node:util";
var Secret = class {
  #value;
  constructor(value) {
    this.#value = value;
  }
  /** The value, for the one who hands it over. */
  reveal() {
    return this.#value;
  }
  toString() {
    return "[redacted]";
  }
  toJSON() {
    return "[redacted]";
  }
  [inspect.custom]() {
    return "[redacted]";
  }
};

// packages/provider-sdk/src/names.ts
function distance(a, b) {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 0; j <= b.length; j++) rows[0][j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2][j - 2] + 1);
      rows[i][j] = best;
    }
  }
  return rows[a.length][b.length];
}
function nearestNames(typed, candidates, limit = 3) {
  const wanted = typed.toLowerCase();
  return [...new Set(candidates)].map((name) => ({ name, away: distance(wanted, name.toLowerCase()) })).filter(({ name, away }) => away <= Math.max(1, Math.floor(Math.max(name.length, wanted.length) / 3))).sort((a, b) => a.away - b.away || a.name.localeCompare(b.name)).slice(0, limit).map(({ name }) => name);
}
function didYouMean(typed, candidates) {
  const near = nearestNames(typed, candidates).map((name) => `"${name}"`);
  return near.length === 0 ? [] : [`Did you mean ${near.join(" or ")}?`];
}

// plugins/modal/src/runtime/environment.ts
import { join } from "node:path";
var ALLOWED = /* @__PURE__ */ new Set([
  ...["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TMP", "TEMP", "LD_LIBRARY_PATH"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NIX_SSL_CERT_FILE"],
  ...["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "NODE_EXTRA_CA_CERTS", "NETRC"],
  ...["PYENV_ROOT", "PYENV_VERSION"],
  ...[
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES"
  ],
  ...["USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"]
]);
var ALLOWED_PREFIXES = ["LC_", "PIP_", "UV_", "XDG_"];
var MODAL_SETTINGS = new Set(
  [
    ...["LOGLEVEL", "LOG_FORMAT", "LOG_PATTERN", "LOGS_TIMEOUT", "TRACEBACK", "ASYNC_WARNINGS", "HEARTBEAT_INTERVAL"],
    ...["FORCE_BUILD", "IGNORE_CACHE", "IMAGE_BUILDER_VERSION", "BUILD_VALIDATION", "PAYLOAD_FORMAT", "DEFAULT_CLOUD"],
    ...["MAX_THROTTLE_WAIT", "DISABLE_API_PROXY"]
  ].map((name) => `MODAL_${name}`)
);
function childEnvironment(environment) {
  const kept = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === void 0) continue;
    const upper = name.toUpperCase();
    const allowed = ALLOWED.has(upper) || MODAL_SETTINGS.has(upper) || ALLOWED_PREFIXES.some((prefix) => upper.startsWith(prefix));
    if (allowed) kept[name] = value;
  }
  return kept;
}
function absentConfigPath(directory) {
  return join(directory, "no-modal-config.toml");
}

// plugins/modal/src/runtime/wait.ts
function abortReason(signal) {
  const reason = signal.reason;
  return isCloudError(reason) ? reason : interruptedError();
}
function checkAborted(signal) {
  if (signal?.aborted) throw abortReason(signal);
}
function abortable(work, signals) {
  const live = signals.filter((signal) => signal !== void 0);
  const aborted = live.find((signal) => signal.aborted);
  if (aborted !== void 0) {
    work.catch(() => void 0);
    return Promise.reject(abortReason(aborted));
  }
  return new Promise((resolve, reject) => {
    const onAbort = (event) => {
      clean();
      reject(abortReason(event.target));
    };
    const clean = () => {
      for (const signal of live) signal.removeEventListener("abort", onAbort);
    };
    for (const signal of live) signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(clean);
  });
}
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortReason(signal));
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(abortReason(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

export {
  EXIT,
  CloudError,
  isCloudError,
  environmentError,
  interruptedError,
  didYouMean,
  childEnvironment,
  absentConfigPath,
  abortReason,
  checkAborted,
  abortable,
  pause
};
