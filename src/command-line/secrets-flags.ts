import {Args, Flags} from '@oclif/core';

export const profileOption = Flags.string({
  summary:
    'Which set of credentials, to keep those of CI and your own apart. [default: default, env: CLOUDCTL_PROFILE]',
  helpValue: 'NAME',
});

export const backendOption = Flags.option({
  summary: 'Where it is kept. Without this flag: where it is already, else the system keyring.',
  options: ['keyring', 'file'] as const,
});

// Not required, as oclif's own error would not name the keys.
export const providerArgument = Args.string({description: 'Provider, such as modal', ignoreStdin: true});
export const keyArgument = Args.string({
  description: "Which of the provider's values; without it the command names them",
  ignoreStdin: true,
});
