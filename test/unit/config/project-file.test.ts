import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, expect, test} from '@jest/globals';
import {findProjectFile, loadProject} from '../../../src/config/project.js';

const root = mkdtempSync(join(tmpdir(), 'cloudctl-find-'));
afterAll(() => rmSync(root, {recursive: true, force: true}));

/** Folders, and files without content. */
function tree(name: string, ...paths: string[]): string {
  for (const path of paths) {
    mkdirSync(join(root, name, path, '..'), {recursive: true});
    if (path.endsWith('/')) mkdirSync(join(root, name, path), {recursive: true});
    else writeFileSync(join(root, name, path), '');
  }
  return join(root, name);
}

test('here, under either name', async () => {
  const here = tree('here', 'cloudctl.yml');
  expect(await findProjectFile(here)).toEqual({file: join(here, 'cloudctl.yml'), shown: 'cloudctl.yml', above: false});
});

test('above, up to the top of the repository and no further', async () => {
  const top = tree('above', 'cloudctl.yaml', 'repo/.git/', 'repo/cloudctl.yaml', 'repo/a/b/', 'other/.git', 'other/a/');
  expect(await findProjectFile(join(top, 'repo/a/b'))).toEqual({
    file: join(top, 'repo/cloudctl.yaml'),
    shown: '../../cloudctl.yaml',
    above: true,
  });
  await expect(findProjectFile(join(top, 'other/a'))).rejects.toMatchObject({
    code: 'PROJECT_FILE_NOT_FOUND',
    exitCode: 3,
    message: expect.stringContaining(`up to ${join(top, 'other')}`),
    hints: expect.arrayContaining(['Write one: cloudctl init']),
  });
});

test('outside of a repository only here', async () => {
  const top = tree('outside', 'cloudctl.yaml', 'a/');
  await expect(findProjectFile(join(top, 'a'))).rejects.toMatchObject({code: 'PROJECT_FILE_NOT_FOUND'});
});

test('two in one folder', async () => {
  const here = tree('two', 'cloudctl.yaml', 'cloudctl.yml');
  await expect(findProjectFile(here)).rejects.toMatchObject({code: 'PROJECT_FILE_AMBIGUOUS', exitCode: 2});
});

test('the one that was named, wherever it is', async () => {
  const here = tree('named', 'a/other.yaml', 'cloudctl.yaml');
  expect(await findProjectFile(here, 'a/other.yaml')).toMatchObject({shown: 'a/other.yaml', above: false});
  await expect(findProjectFile(here, 'cloudctl.yam')).rejects.toMatchObject({
    exitCode: 3,
    hints: expect.arrayContaining(['Did you mean "cloudctl.yaml" or "cloudctl.yml"?']),
  });
  await expect(findProjectFile(here, 'a')).rejects.toMatchObject({
    exitCode: 2,
    hints: ['Name the file itself: --file a/cloudctl.yaml'],
  });
});

const asRoot = process.getuid?.() === 0;
(asRoot ? test.skip : test)('one that may not be read: exit 7', async () => {
  const file = join(tree('unreadable', 'cloudctl.yaml'), 'cloudctl.yaml');
  chmodSync(file, 0);
  const loading = loadProject(file, {variables: {}, providers: () => undefined});
  await expect(loading).rejects.toMatchObject({code: 'PROJECT_FILE_UNREADABLE', exitCode: 7});
});

test('one that is gone: exit 3', async () => {
  const loading = loadProject(join(root, 'gone.yaml'), {variables: {}, providers: () => undefined});
  await expect(loading).rejects.toMatchObject({code: 'PROJECT_FILE_NOT_FOUND', exitCode: 3});
});
