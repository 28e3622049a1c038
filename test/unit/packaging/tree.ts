import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {afterEach, beforeEach} from '@jest/globals';
import {readPackage} from '../../../src/packaging/package.js';

/** A folder of its own for each test of the file, and gone after it. */
export class Tree {
  root = '';

  constructor(prefix: string) {
    beforeEach(() => {
      this.root = mkdtempSync(join(tmpdir(), prefix));
    });
    afterEach(() => {
      rmSync(this.root, {recursive: true, force: true});
    });
  }

  write(path: string, content = path): void {
    mkdirSync(dirname(join(this.root, path)), {recursive: true});
    writeFileSync(join(this.root, path), content);
  }

  /** What would go into a package of it. */
  paths(): string[] {
    return readPackage(this.root).files.map(({path}) => path);
  }
}
