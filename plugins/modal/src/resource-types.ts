import {type ResourceReference, type ResourceTypes, supported, unsupported} from '@cloudctl/provider-sdk';
import {RUNTIMES} from './runtimes.js';

/** What the refusal of `destroy` says next: where to look, and Modal's own command for this very resource. */
function instead(native: (resource: ResourceReference) => string) {
  return (resource: ResourceReference): string[] => [
    ...(resource.dashboardUrl === undefined ? [] : [`See it first: ${resource.dashboardUrl}`]),
    ...(resource.target === 'local'
      ? ['Point Modal\'s own command at the local server: eval "$(cloudctl modal local env)"']
      : []),
    native(resource),
    `Then forget it here: cloudctl ledger forget ${resource.resource} --provider modal --type ${resource.type} --target ${resource.target} --yes`,
  ];
}

/** What Modal offers: the types, their flags, and what can be done with each. */
export const RESOURCES = {
  ai: {
    title: 'serverless Python function',
    summary: 'A handler in a plain Python file, called from Python, over HTTP or with cloudctl call',
    source: true,
    flags: {
      app: {
        kind: 'string',
        placeholder: 'NAME',
        summary: 'App that the function belongs to.',
        defaultText: "the project directory's name",
      },
      runtime: {
        kind: 'string',
        placeholder: 'RUNTIME',
        summary: `Python of the function: ${RUNTIMES.join(', ')}.`,
        defaultText: 'python311',
      },
      handler: {
        kind: 'string',
        placeholder: 'MODULE.FUNCTION',
        example: 'main.handler',
        summary: 'What to run; never imported on this machine.',
        defaultText: 'main.handler',
      },
      image: {
        kind: 'string',
        placeholder: 'IMAGE',
        summary: "modal/python:3.11 is Modal's slim image with that Python; anything else is an image of a registry.",
        defaultText: 'from the runtime',
      },
      requirements: {
        kind: 'string',
        placeholder: 'FILE',
        summary: 'What to install: requirements.txt, uv.lock or pyproject.toml, inside the source directory.',
        defaultText: 'the first of these that is there',
      },
      extra: {
        kind: 'string',
        placeholder: 'NAME',
        multiple: true,
        summary: 'Optional group of pyproject.toml to install as well; may be repeated.',
      },
      cpu: {
        kind: 'number',
        placeholder: 'CORES',
        example: 2,
        summary: 'Physical cores that are reserved (1 core is 2 vCPU).',
        min: 0.01,
        defaultText: '0.25',
      },
      memory: {
        kind: 'integer',
        placeholder: 'MIB',
        example: 1024,
        summary: 'Memory that is reserved, in MiB.',
        min: 1,
        defaultText: '128',
      },
      gpu: {
        kind: 'string',
        placeholder: 'TYPE[:COUNT]',
        example: 'L4',
        summary: 'GPU, such as T4, L4, A10, L40S, A100-80GB, H100, H200, B200.',
      },
      timeout: {
        kind: 'integer',
        placeholder: 'SECONDS',
        summary: 'Longest time that one call may take.',
        min: 1,
        max: 86_400,
        defaultText: '300',
      },
      'min-containers': {
        kind: 'integer',
        placeholder: 'N',
        summary: 'Containers that stay warm, and are paid for, all the time.',
        min: 0,
      },
      'max-containers': {kind: 'integer', placeholder: 'N', summary: 'Containers at the most.', min: 1},
      'scaledown-window': {
        kind: 'integer',
        placeholder: 'SECONDS',
        summary: 'How long an idle container is kept, and paid for.',
        min: 2,
        max: 3600,
      },
      env: {
        kind: 'string',
        placeholder: 'KEY=VALUE',
        example: ['LOG_LEVEL=debug'],
        multiple: true,
        summary: 'Environment variable of the function; may be repeated. Not for secrets.',
      },
      volume: {
        kind: 'string',
        placeholder: 'NAME:/PATH',
        example: ['models:/models'],
        multiple: true,
        summary: 'Volume to mount; may be repeated. It must exist.',
      },
      secret: {
        kind: 'string',
        placeholder: 'NAME',
        multiple: true,
        summary: 'Modal secret whose values the function gets; may be repeated.',
      },
      schedule: {
        kind: 'string',
        placeholder: 'WHEN',
        example: '0 9 * * 1',
        summary: 'Cron expression in UTC ("0 9 * * 1"), or a period ("every 5m", "every 2h", "every 1d").',
      },
      url: {
        kind: 'string',
        options: ['private', 'public', 'none'],
        summary: "private asks for Modal's proxy tokens, public for nothing, none makes no URL.",
        defaultText: 'private',
      },
    },
    operations: {
      plan: supported(),
      deploy: supported(),
      list: supported(),
      observe: supported(),
      adopt: supported(),
      call: supported(),
      meter: supported(),
      destroy: unsupported(
        'Modal stops whole apps, for good, with everything in them; that is a decision to take in sight of them',
        instead(({app}) => `Stop the app and every function in it: modal app stop ${app ?? 'APP'}`),
      ),
    },
  },
  storage: {
    title: 'volume',
    summary: 'A persistent volume that many functions can mount',
    source: false,
    exampleName: 'models',
    flags: {
      size: {
        kind: 'number',
        placeholder: 'GB',
        example: 10,
        summary:
          'How much it will hold, in GB: for the cost estimate only. Modal volumes have no fixed size and no quota.',
      },
    },
    operations: {
      plan: supported(),
      deploy: supported(),
      list: supported(),
      observe: supported(),
      adopt: supported(),
      call: unsupported('a volume cannot be called', () => []),
      meter: supported(),
      destroy: unsupported(
        'deleting a volume deletes its files for good',
        instead(({name}) => `Delete it with Modal's own command: modal volume delete ${name}`),
      ),
    },
  },
} as const satisfies ResourceTypes;
