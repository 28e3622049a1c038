import {
  isSupported,
  namedSdkUnusable,
  run,
  which,
  writeAtomically
} from "./chunk-MI5CVGYG.js";
import {
  childEnvironment
} from "./chunk-OYDGFPPA.js";

// plugins/modal/src/runtime/named-python.ts
import { lstat, mkdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
var CHECK = `
import json, sys
found = {"executable": sys.executable, "version": list(sys.version_info[:3]), "modal": None, "problem": None}
try:
    import modal
    found["modal"] = modal.__version__
except BaseException as error:
    found["problem"] = "%s: %s" % (type(error).__name__, error)
print(json.dumps(found))
`;
var CHECK_MS = 6e4;
async function namedRuntime(named, options) {
  const path = /[\\/]/.test(named) ? resolve(named) : which(named, options.environment)[0];
  if (path === void 0) throw namedSdkUnusable(named, "it is not on PATH", "Give its absolute path.");
  const stamp = await stampOf(path);
  if (stamp === void 0) throw namedSdkUnusable(named, "there is no such file", "Give its absolute path.");
  const cache = join(options.directories.cache, "named-python.json");
  const known = await readVerdict(cache);
  if (known?.path === path && known.stamp === stamp) return { python: known.python, source: "named" };
  const python = await check(named, path, options);
  try {
    await mkdir(options.directories.cache, { recursive: true });
    await writeAtomically(cache, JSON.stringify({ path, stamp, python }));
  } catch (error) {
    options.debug?.(`runtime: the verdict on ${path} could not be kept: ${String(error)}`);
  }
  return { python, source: "named" };
}
async function stampOf(path) {
  try {
    const [link, file] = [await lstat(path), await stat(path)];
    return `${link.mtimeMs} ${file.mtimeMs} ${file.size}`;
  } catch {
    return void 0;
  }
}
async function readVerdict(file) {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return void 0;
  }
}
async function check(named, path, options) {
  const result = await run(path, ["-c", CHECK], {
    environment: childEnvironment(options.environment),
    signal: options.signal,
    timeout: CHECK_MS
  });
  let found;
  try {
    found = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
  } catch {
    const why = result.error?.message ?? "it does not run as a Python";
    throw namedSdkUnusable(named, why, "Name a Python interpreter.");
  }
  if (!isSupported(found)) {
    throw namedSdkUnusable(named, `it is Python ${found.version.join(".")}`, "Name Python 3.10 to 3.14.");
  }
  if (found.modal === null) {
    const why = `Modal's Python package cannot be imported (${found.problem ?? "unknown"})`;
    throw namedSdkUnusable(named, why, `Install it: ${path} -m pip install "modal>=1.5.1"`);
  }
  return found.executable;
}
export {
  namedRuntime
};
