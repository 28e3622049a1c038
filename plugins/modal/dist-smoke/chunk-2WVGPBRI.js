import {
  pause
} from "./chunk-OYDGFPPA.js";

// plugins/modal/src/runtime/lock.ts
var STALE_MS = 15e3;
var POLL_MS = 200;
async function alone(options, work) {
  const { lock } = await import("proper-lockfile");
  for (let waited = false; ; waited = true) {
    let release;
    try {
      release = await lock(options.file, {
        lockfilePath: options.file,
        realpath: false,
        stale: STALE_MS,
        update: STALE_MS / 3,
        onCompromised: (error) => options.debug?.(`lock: lost ${options.file}: ${error.message}`)
      });
    } catch (error) {
      if (error.code !== "ELOCKED") throw error;
      if (!waited) options.onWait?.();
      await pause(POLL_MS, options.signal);
      const done = await options.settled?.();
      if (done !== void 0) return done;
      continue;
    }
    try {
      return await options.settled?.() ?? await work();
    } finally {
      await release().catch(() => void 0);
    }
  }
}

export {
  alone
};
