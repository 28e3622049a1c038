import {existsSync, readFileSync, statSync} from 'node:fs';
import {basename, isAbsolute, relative, resolve} from 'node:path';
import {didYouMean, notFoundError, type ResolvedResource, type ResolveInput, usageError} from '@cloudctl/provider-sdk';
import {checkFunctionName, checkObjectName, legalName} from '../names.js';
import {DEFAULT_RUNTIME, PYTHONS, type PythonVersion, pythonOf, RUNTIMES} from '../runtimes.js';

/** A function as CloudCTL records it. Every field is always there, so that two specs can be compared. */
export type AiSpec = {
  readonly handler: string;
  readonly runtime: string;
  readonly image: string;
  /** Relative to the package, `/` between names. */
  readonly requirements: string | null;
  /** Optional groups of the requirements, in order of name. */
  readonly extras: readonly string[];
  /** Cores. */
  readonly cpu: number;
  /** MiB. */
  readonly memory: number;
  readonly gpu: string | null;
  /** Seconds. */
  readonly timeout: number;
  readonly minContainers: number | null;
  readonly maxContainers: number | null;
  /** Seconds. */
  readonly scaledownWindow: number | null;
  readonly env: {readonly [name: string]: string};
  readonly volumes: readonly {readonly name: string; readonly path: string}[];
  readonly secrets: readonly string[];
  readonly schedule: string | null;
  readonly url: 'private' | 'public' | 'none';
};

const DEFAULTS = {handler: 'main.handler', cpu: 0.25, memory: 128, timeout: 300} as const;
/** Where requirements are looked for when nobody names a file. */
const USUAL = ['requirements.txt', 'uv.lock', 'pyproject.toml'];
/** Where the system and the code are; a volume there would hide them. */
const SYSTEM = /^\/(root|usr|lib\w*|bin|sbin|etc|proc|sys|dev|boot)(\/|$)/;
const HANDLER = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/;
const MODAL_IMAGE = /^modal\/python:(.+)$/;

/** Flags of `deploy ai` made whole. */
export function resolveAi({
  resource,
  name,
  options,
  sourceDirectory,
}: ResolveInput): ResolvedResource & {app: string; spec: AiSpec} {
  const text = (flag: string): string | undefined => options[flag] as string | undefined;
  const number = (flag: string): number | undefined => options[flag] as number | undefined;
  const list = (flag: string): readonly string[] => (options[flag] as readonly string[] | undefined) ?? [];
  const {runtime, image} = resolveImage(text('runtime'), text('image'));
  const minContainers = number('min-containers') ?? null;
  const maxContainers = number('max-containers') ?? null;
  if (minContainers !== null && maxContainers !== null && minContainers > maxContainers) {
    throw usageError(
      'BAD_FLAG_VALUE',
      `--min-containers ${minContainers} is more than --max-containers ${maxContainers}.`,
    );
  }
  const requirements = findRequirements(sourceDirectory, text('requirements'));
  const volumes = list('volume').map(parseVolume).map(checkVolumePaths);
  return {
    needs: volumes.map(volume => ({type: 'storage', name: volume.name})),
    name: checkFunctionName(name ?? resource),
    app: checkObjectName('app', text('app') ?? (legalName(basename(sourceDirectory)) || 'app')),
    spec: {
      handler: checkHandler(text('handler') ?? DEFAULTS.handler),
      runtime,
      image,
      requirements,
      extras: checkExtras(list('extra'), requirements),
      cpu: number('cpu') ?? DEFAULTS.cpu,
      memory: number('memory') ?? DEFAULTS.memory,
      gpu: checkGpu(text('gpu')),
      timeout: number('timeout') ?? DEFAULTS.timeout,
      minContainers,
      maxContainers,
      scaledownWindow: number('scaledown-window') ?? null,
      env: parseEnv(list('env')),
      volumes,
      secrets: list('secret').map(secret => checkObjectName('secret', secret)),
      schedule: checkSchedule(text('schedule')),
      url: (text('url') as AiSpec['url'] | undefined) ?? 'private',
    },
  };
}

function checkHandler(handler: string): string {
  if (HANDLER.test(handler)) return handler;
  const meant = handler.replace(/\.py(?=[:.])/, '').replaceAll(/[:/]/g, '.');
  throw usageError('BAD_HANDLER', `"${handler}" is not a handler.`, {
    hints: [
      'Write MODULE.FUNCTION: "main.handler" is handler() in main.py.',
      ...(HANDLER.test(meant) ? [`Did you mean --handler ${meant}?`] : []),
    ],
  });
}

/** Runtime and image, each from the other where only one was given. They must agree. */
function resolveImage(
  givenRuntime: string | undefined,
  givenImage: string | undefined,
): {runtime: string; image: string} {
  if (givenRuntime !== undefined && pythonOf(givenRuntime) === undefined) {
    throw usageError('UNKNOWN_RUNTIME', `"${givenRuntime}" is not a runtime.`, {
      hints: [
        ...didYouMean(givenRuntime.replace(/^(python)?(\d)\.?/, 'python$2'), RUNTIMES),
        `Runtimes: ${RUNTIMES.join(', ')}`,
      ],
    });
  }
  const python = givenImage === undefined ? undefined : pythonOfImage(givenImage);
  const runtime = givenRuntime ?? (python === undefined ? DEFAULT_RUNTIME : `python${python.replace('.', '')}`);
  if (python !== undefined && pythonOf(runtime) !== python) {
    throw usageError('RUNTIME_MISMATCH', `--runtime ${runtime} and --image ${givenImage} do not agree.`, {
      hints: [`Leave one of them out, or write --runtime python${python.replace('.', '')}.`],
    });
  }
  if (givenImage !== undefined && !/^[\w][\w./:@-]*$/.test(givenImage))
    throw usageError('BAD_IMAGE', `"${givenImage}" is not an image reference.`);
  return {runtime, image: givenImage ?? `modal/python:${pythonOf(runtime)}`};
}

/** The Python that an image's name promises: Modal's own images, and the official `python` ones. */
function pythonOfImage(image: string): PythonVersion | undefined {
  const own = MODAL_IMAGE.exec(image)?.[1];
  if (own !== undefined) {
    if ((PYTHONS as readonly string[]).includes(own)) return own as PythonVersion;
    throw usageError('UNKNOWN_IMAGE', `Modal has no image with Python "${own}".`, {
      hints: [...didYouMean(own, PYTHONS), `Images: ${PYTHONS.map(version => `modal/python:${version}`).join(', ')}`],
    });
  }
  const official = /^(?:docker\.io\/)?(?:library\/)?python:(3\.\d+)/.exec(image)?.[1];
  return PYTHONS.find(version => version === official);
}

/** The requirements file, relative to the source directory; found by itself when nobody names one. */
function findRequirements(sourceDirectory: string, given: string | undefined): string | null {
  if (given === undefined) return USUAL.find(name => describesRequirements(resolve(sourceDirectory, name))) ?? null;
  const candidates = [resolve(sourceDirectory, given), resolve(given)];
  const file = candidates.find(candidate => existsSync(candidate) && statSync(candidate).isFile());
  if (file === undefined) throw notFoundError('FILE_NOT_FOUND', `The requirements file ${given} does not exist.`);
  const inside = relative(sourceDirectory, file);
  if (inside.startsWith('..') || isAbsolute(inside)) {
    throw usageError('BAD_FLAG_VALUE', `${given} lies outside of the source directory ${sourceDirectory}.`, {
      hints: ['The requirements travel with the code: move the file into it.'],
    });
  }
  return inside.replaceAll('\\', '/');
}

/** A pyproject.toml may be there for tools alone. */
function describesRequirements(file: string): boolean {
  if (!existsSync(file)) return false;
  return (
    !file.endsWith('pyproject.toml') ||
    /^\s*(dependencies|\[project\.optional-dependencies)/m.test(readFileSync(file, 'utf8'))
  );
}

function checkExtras(extras: readonly string[], requirements: string | null): string[] {
  if (extras.length > 0 && !/(^|\/)(uv\.lock|pyproject\.toml)$/.test(requirements ?? '')) {
    throw usageError('BAD_FLAG_VALUE', `--extra ${extras[0]} needs a pyproject.toml or uv.lock to find it in.`, {
      hints: ['Name one: --requirements pyproject.toml'],
    });
  }
  return [...new Set(extras)].sort();
}

function checkGpu(gpu: string | undefined): string | null {
  if (gpu === undefined) return null;
  if (!/^[A-Za-z0-9+!-]+(:[1-9]\d*)?$/.test(gpu)) {
    throw usageError('BAD_FLAG_VALUE', `"${gpu}" is not a GPU.`, {
      hints: ['Write TYPE or TYPE:COUNT, such as H100 or A100-80GB:2.'],
    });
  }
  return gpu.toUpperCase();
}

function parseEnv(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map(pair => {
      const cut = pair.indexOf('=');
      if (cut < 1 || !/^[A-Za-z_]\w*$/.test(pair.slice(0, cut))) {
        // The value may be a secret: only what stands before the sign is repeated.
        throw usageError(
          'BAD_FLAG_VALUE',
          `--env takes KEY=VALUE${cut < 0 ? '' : `, and "${pair.slice(0, cut)}" is not a name`}.`,
          {hints: ['For example: --env LOG_LEVEL=debug']},
        );
      }
      return [pair.slice(0, cut), pair.slice(cut + 1)];
    }),
  );
}

function parseVolume(text: string): {name: string; path: string} {
  const [name, path, ...rest] = text.split(':');
  if (name === undefined || path === undefined || rest.length > 0 || !path.startsWith('/')) {
    throw usageError('BAD_FLAG_VALUE', `--volume takes NAME:/path, not "${text}".`, {
      hints: ['For example: --volume trained-models:/models'],
    });
  }
  return {name: checkObjectName('volume', name), path: path.replace(/\/+$/, '')};
}

function checkVolumePaths(
  volume: {name: string; path: string},
  index: number,
  all: readonly {path: string}[],
): {name: string; path: string} {
  if (volume.path === '' || SYSTEM.test(volume.path)) {
    throw usageError(
      'BAD_FLAG_VALUE',
      `A volume cannot be mounted at ${volume.path || '/'}: that is where the ${/^\/root/.test(volume.path) ? 'code' : 'system'} is.`,
      {hints: [`For example: --volume ${volume.name}:/data`]},
    );
  }
  if (all.findIndex(({path}) => path === volume.path) !== index)
    throw usageError('BAD_FLAG_VALUE', `Two volumes are to be mounted at ${volume.path}.`);
  return volume;
}

function checkSchedule(schedule: string | undefined): string | null {
  if (schedule === undefined) return null;
  if (/^every [1-9]\d*[smhd]$/.test(schedule) || /^([\w*/,-]+ +){4}[\w*/,-]+$/.test(schedule)) return schedule;
  throw usageError('BAD_FLAG_VALUE', `"${schedule}" is not a schedule.`, {
    hints: ['Write a cron expression of five fields ("0 9 * * 1"), or a period ("every 5m", "every 2h", "every 1d").'],
  });
}
