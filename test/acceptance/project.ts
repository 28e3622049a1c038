import {execFile} from 'node:child_process';
import {cpSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {type Machine, python, repository} from './harness.js';

/** A copy of one of the fixture projects, in a folder whose name has a space and a letter beyond ASCII. */
export function copyProject(machine: Machine, name: 'shop' | 'scripts' | 'forecast'): string {
  const directory = join(machine.home, `Projekte für alle/${name}`);
  cpSync(join(repository, 'test/fixtures/projects', name), directory, {recursive: true});
  return directory;
}

/** Runs the stock `modal` command against the machine's own Local Modal, behind CloudCTL's back. */
export async function stockModal(machine: Machine, args: readonly string[], cwd = machine.home): Promise<string> {
  const {variables} = await machine.data<{variables: Record<string, string>}>(['modal', 'local', 'env']);
  const {stdout} = await promisify(execFile)(python, ['-m', 'modal', ...args], {
    cwd,
    env: {...machine.env, ...variables},
    timeout: 60_000,
  });
  return stdout;
}

export interface Planned {
  comparedWith: string;
  summary: {create: number; update: number; replace: number; none: number};
  resources: {
    type: string;
    resource: string;
    name: string;
    app?: string;
    action: string;
    changes: {field: string; before: unknown; after: unknown}[];
    package?: {files: number; delta?: {added: string[]; changed: string[]; removed: string[]}};
    status?: string;
    differences?: {what: string; before?: unknown; after?: unknown; by?: string; at?: string}[];
  }[];
  effects: string[];
  unmanaged?: {name: string}[];
}

export interface Applied {
  resources: {action: string; resource: {resource: string; name: string; type: string; url?: string}}[];
}

export interface Listed {
  resources: {name: string; app?: string; resource?: string; status: string}[];
}

/** `NAME: action` of every resource of a plan. */
export function actionsOf({resources}: Planned): Record<string, string> {
  return Object.fromEntries(resources.map(({resource, action}) => [resource, action]));
}

/** `NAME: status` of what is listed; what no record knows under its own name in brackets. */
export function statusesOf({resources}: Listed): Record<string, string> {
  return Object.fromEntries(resources.map(({resource, name, status}) => [resource ?? `(${name})`, status]));
}
