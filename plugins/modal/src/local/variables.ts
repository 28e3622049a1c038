import {absentConfigPath} from '../runtime/environment.js';
import type {LocalServer} from './server.js';
import {stateDirectory} from './state.js';

/** The environment in which Modal's own tools work against a local server. */
export function localVariables(server: LocalServer, directories: {readonly data: string}): Record<string, string> {
  return {
    MODAL_SERVER_URL: server.url,
    MODAL_TOKEN_ID: server.tokenId,
    MODAL_TOKEN_SECRET: server.tokenSecret,
    MODAL_ENVIRONMENT: 'main',
    // The user's own profile must neither be read nor mixed in.
    MODAL_CONFIG_PATH: absentConfigPath(stateDirectory(directories)),
    MODAL_DISABLE_API_PROXY: '1',
  };
}

/** Lines for a POSIX shell to evaluate. */
export function exportLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`)
    .join('\n');
}
