import {Console} from 'node:console';
import {afterEach} from '@jest/globals';

// oclif writes to the process's streams; jest's own console would swallow what it captures.
globalThis.console = new Console({stdout: process.stdout, stderr: process.stderr});

// A command under test sets it; left behind, jest itself would end with it.
afterEach(() => {
  process.exitCode = undefined;
});
