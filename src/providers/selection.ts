import {type CloudError, didYouMean, notFoundError, usageError} from '@cloudctl/provider-sdk';
import type {RegisteredProvider, Registry} from './registry.js';

export interface Wish {
  /** `--provider`. */
  flag?: string | undefined;
  /** `CLOUDCTL_PROVIDER`. */
  environment?: string | undefined;
  /** From the user's configuration. */
  configured?: string | undefined;
  /** The resource type, where the command has one. */
  type?: string | undefined;
}

/**
 * Chooses the provider: flag, then environment, then configuration, then the only one that offers the type.
 *
 * @throws CloudError with exit code 3 where it is not installed, 2 where several fit or the type is unknown.
 */
export function chooseProvider(registry: Registry, wish: Wish): RegisteredProvider {
  const named = wish.flag ?? wish.environment ?? wish.configured;
  if (named !== undefined && named !== '') {
    const provider = registry.providers.find(({name}) => name === named);
    if (provider === undefined) throw providerNotInstalled(registry, named);
    if (wish.type !== undefined && !provider.resources.includes(wish.type)) throw unknownType(wish.type, [provider]);
    return provider;
  }
  if (registry.providers.length === 0) throw noProvider(registry);
  const fitting = registry.providers.filter(({resources}) => wish.type === undefined || resources.includes(wish.type));
  if (fitting.length === 0) throw unknownType(wish.type!, registry.providers);
  if (fitting.length > 1) {
    const names = fitting.map(({name}) => name).join(', ');
    throw usageError('PROVIDER_AMBIGUOUS', `Several providers offer this: ${names}.`, {
      hints: [
        `Choose one: --provider ${fitting[0]!.name}`,
        `Or once for all: export CLOUDCTL_PROVIDER=${fitting[0]!.name}`,
      ],
    });
  }
  return fitting[0]!;
}

/** A provider that is unknown and one that is not installed look the same from here. */
export function providerNotInstalled(registry: Registry, name: string): CloudError {
  const problem = registry.problems.find(({plugin}) => plugin === name || plugin.endsWith(`/plugin-${name}`));
  if (problem !== undefined) {
    return notFoundError('PROVIDER_UNUSABLE', `The provider "${name}" cannot be used: ${problem.problem}.`, {
      hints: [problem.hint],
    });
  }
  const installable = /^[a-z0-9][a-z0-9-]*$/.test(name) ? [`Install it: cloudctl plugins install ${name}`] : [];
  const names = registry.providers.map(provider => provider.name);
  const installed = names.length > 0 ? [`Installed: ${names.join(', ')}`] : [];
  return notFoundError('PROVIDER_NOT_INSTALLED', `The provider "${name}" is not installed.`, {
    hints: [...didYouMean(name, names), ...installable, ...installed],
    data: {provider: name},
  });
}

function noProvider(registry: Registry): CloudError {
  return notFoundError('PROVIDER_NOT_INSTALLED', 'No provider is installed.', {
    hints: [
      ...registry.problems.map(({plugin, problem}) => `${plugin}: ${problem}`),
      'Install one: cloudctl plugins install modal',
    ],
  });
}

function unknownType(type: string, providers: readonly RegisteredProvider[]): CloudError {
  const types = [...new Set(providers.flatMap(({resources}) => resources))];
  return usageError(
    'UNKNOWN_RESOURCE_TYPE',
    `"${type}" is not a resource type of ${providers.map(({name}) => name).join(', ')}.`,
    {
      hints: [...didYouMean(type, types), `Resource types: ${types.join(', ')}`],
    },
  );
}
