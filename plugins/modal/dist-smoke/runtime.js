import {
  Redactor,
  redactUrls
} from "./chunk-PFYZ7PHN.js";
import {
  packageRoot,
  packageVersion,
  pythonFolder
} from "./chunk-RMVRSXWG.js";
import {
  absentConfigPath,
  checkAborted,
  childEnvironment
} from "./chunk-OYDGFPPA.js";

// plugins/modal/src/runtime/runtime.ts
async function ensureRuntime(options) {
  checkAborted(options.signal);
  const named = options.environment["CLOUDCTL_MODAL_PYTHON"];
  if (named) {
    const { namedRuntime } = await import("./named-python-LROMQB5S.js");
    return namedRuntime(named, options);
  }
  const { privateRuntime } = await import("./private-python-AAGJCIM2.js");
  return privateRuntime(options);
}
async function rebuildRuntime(options) {
  const { privateRuntime } = await import("./private-python-AAGJCIM2.js");
  return privateRuntime(options, true);
}
export {
  Redactor,
  absentConfigPath,
  childEnvironment,
  ensureRuntime,
  packageRoot,
  packageVersion,
  pythonFolder,
  rebuildRuntime,
  redactUrls
};
