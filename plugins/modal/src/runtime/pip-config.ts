import {readFile} from 'node:fs/promises';
import {homedir} from 'node:os';
import {delimiter, join} from 'node:path';
import type {Environment} from './environment.js';

/** Settings through which pip finds packages where uv does not. */
const SETTING = /^\s*(index[-_]url|extra[-_]index[-_]url|find[-_]links|proxy)\s*[=:]/m;

const VARIABLES = ['PIP_INDEX_URL', 'PIP_EXTRA_INDEX_URL', 'PIP_FIND_LINKS', 'PIP_PROXY'];

/** Where pip looks for its configuration, by its documentation. */
function configFiles(environment: Environment): string[] {
  const home = environment['HOME'] ?? homedir();
  const own = environment['PIP_CONFIG_FILE'];
  if (process.platform === 'win32') {
    const folders = [environment['PROGRAMDATA'], environment['APPDATA']].filter(folder => folder !== undefined);
    return [...folders.map(folder => join(folder, 'pip', 'pip.ini')), join(home, 'pip', 'pip.ini'), own ?? ''];
  }
  const system = (environment['XDG_CONFIG_DIRS'] || '/etc/xdg').split(delimiter);
  return [
    '/etc/pip.conf',
    ...system.map(folder => join(folder, 'pip', 'pip.conf')),
    '/Library/Application Support/pip/pip.conf',
    join(environment['XDG_CONFIG_HOME'] || join(home, '.config'), 'pip', 'pip.conf'),
    join(home, 'Library', 'Application Support', 'pip', 'pip.conf'),
    join(home, '.pip', 'pip.conf'),
    own ?? '',
  ];
}

/** Whether the user has told pip, and so not uv, where packages are. */
export async function isPipConfigured(environment: Environment): Promise<boolean> {
  if (VARIABLES.some(name => environment[name])) return true;
  for (const file of configFiles(environment)) {
    const text = file === '' ? '' : await readFile(file, 'utf8').catch(() => '');
    if (SETTING.test(text)) return true;
  }
  return false;
}
