import {existsSync} from 'node:fs';
import {type CloudError, environmentError} from '@cloudctl/provider-sdk';
import type {Tried} from './find-python.js';

const PROVIDER = 'modal';
const RANGE = 'Python 3.10 to 3.14';
const NAME_ONE = 'Or name one: CLOUDCTL_PYTHON=/path/to/python3 cloudctl modal setup';

const apt = (): boolean => existsSync('/usr/bin/apt-get');

/** The command that installs Python on this system. */
function installHint(hasUv: boolean): string {
  if (hasUv) return 'Install one: uv python install 3.13';
  if (process.platform === 'darwin') return 'Install one: brew install python@3.13';
  if (process.platform === 'win32') return 'Install one: winget install Python.Python.3.13';
  if (apt()) return 'Install one: sudo apt install python3 python3-venv';
  if (existsSync('/usr/bin/dnf')) return 'Install one: sudo dnf install python3';
  if (existsSync('/sbin/apk')) return 'Install one: sudo apk add python3';
  return "Install one with the system's package manager.";
}

function describe(tried: readonly Tried[]): string {
  return tried.map(({command, python, problem}) => `${command} (${python?.version.join('.') ?? problem})`).join(', ');
}

function asData(tried: readonly Tried[]): {tried: {command: string; problem: string}[]} {
  return {tried: tried.map(({command, problem}) => ({command, problem: problem ?? ''}))};
}

export function noPython(tried: readonly Tried[], hasUv: boolean): CloudError {
  const looked =
    tried.length === 0 ? 'none of python3, python3.10 to python3.14 and python is on PATH' : describe(tried);
  return environmentError('PYTHON_NOT_FOUND', `The Modal plugin needs ${RANGE}; ${looked}.`, {
    provider: PROVIDER,
    hints: [installHint(hasUv), NAME_ONE],
    data: asData(tried),
  });
}

export function pythonOutOfRange(tried: readonly Tried[], hasUv: boolean): CloudError {
  const tooOld = tried.some(({python}) => python !== undefined && (python.version[0] < 3 || python.version[1] < 10));
  return environmentError(
    tooOld ? 'PYTHON_TOO_OLD' : 'PYTHON_TOO_NEW',
    `The Modal plugin needs ${RANGE}; found only ${describe(tried)}.`,
    {provider: PROVIDER, hints: [installHint(hasUv), NAME_ONE], data: asData(tried)},
  );
}

/** Debian and Ubuntu take `ensurepip` out of Python's standard library. */
export function venvMissing(tried: readonly Tried[]): CloudError {
  const first = tried[0];
  const minor = first?.python?.version[1];
  return environmentError(
    'PYTHON_VENV_MISSING',
    `${first?.python?.executable ?? 'Python'} cannot create virtual environments: its module ensurepip is missing.`,
    {
      provider: PROVIDER,
      hints: [
        apt() ? `Install it: sudo apt install python3.${minor}-venv` : 'Install the module, or install uv.',
        NAME_ONE,
      ],
      data: asData(tried),
    },
  );
}

export function namedPythonUnusable(named: string, problem: string): CloudError {
  return environmentError('PYTHON_UNUSABLE', `CLOUDCTL_PYTHON=${named} cannot be used: ${problem}.`, {
    provider: PROVIDER,
    hints: [`Name ${RANGE}, or unset CLOUDCTL_PYTHON.`],
  });
}

export function namedSdkUnusable(named: string, problem: string, hint: string): CloudError {
  return environmentError('PYTHON_UNUSABLE', `CLOUDCTL_MODAL_PYTHON=${named} cannot be used: ${problem}.`, {
    provider: PROVIDER,
    hints: [hint, 'Or unset CLOUDCTL_MODAL_PYTHON: CloudCTL then builds an environment of its own.'],
  });
}
