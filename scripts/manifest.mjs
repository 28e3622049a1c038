/** Writes a workspace's `oclif.manifest.json`, so that oclif need not import a single command at start. */
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {Plugin} from '@oclif/core';

/** The manifest's text as it should be now. */
export async function manifestText(directory) {
  const plugin = new Plugin({root: directory, type: 'core', ignoreManifest: true, errorOnManifestCreate: true});
  await plugin.load();
  // The order in which a file system lists its files is its own affair.
  const commands = Object.fromEntries(Object.entries(plugin.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({...plugin.manifest, commands}, null, 2)}\n`;
}

/** @returns whether the committed manifest was stale. */
export async function writeManifest(directory) {
  const file = join(directory, 'oclif.manifest.json');
  const wanted = await manifestText(directory);
  const present = await readFile(file, 'utf8').catch(() => '');
  if (present === wanted) return false;
  await writeFile(file, wanted);
  return true;
}
