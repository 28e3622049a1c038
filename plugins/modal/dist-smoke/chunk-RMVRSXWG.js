// plugins/modal/src/runtime/package-root.ts
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
var NAME = "@cloudctl/plugin-modal";
var found;
function locate() {
  for (let directory = dirname(fileURLToPath(import.meta.url)); ; directory = dirname(directory)) {
    const manifest = readManifest(directory);
    if (manifest?.name === NAME) return { root: directory, version: manifest.version ?? "0.0.0" };
    if (directory === dirname(directory))
      throw new Error(`The package ${NAME} is incomplete: its package.json is missing.`);
  }
}
function readManifest(directory) {
  try {
    return JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  } catch {
    return void 0;
  }
}
function packageRoot() {
  found ??= locate();
  return found.root;
}
function packageVersion() {
  found ??= locate();
  return found.version;
}
function pythonFolder() {
  return join(packageRoot(), "python");
}

export {
  packageRoot,
  packageVersion,
  pythonFolder
};
