import {usageError} from '@cloudctl/provider-sdk';

/** What Modal takes as the name of an app, a volume or a secret. */
const OBJECT_NAME = /^[a-zA-Z0-9\-_.]{1,64}$/;
const LOOKS_LIKE_APP_ID = /^ap-[A-Za-z0-9]{22}$/;

/** Suffix of the function that serves another one over HTTP. */
export const HTTP_SUFFIX = '-http';

/** The volume in which CloudCTL keeps what it needs to deploy an app again from another machine. */
export const STATE_VOLUME = 'cloudctl-state';

/** @throws CloudError with exit code 2 for a name that Modal would reject. */
export function checkObjectName(kind: 'app' | 'volume' | 'secret', name: string): string {
  if (!OBJECT_NAME.test(name) || LOOKS_LIKE_APP_ID.test(name)) {
    throw usageError(
      'BAD_NAME',
      `Modal does not take "${name}" as the name of ${kind === 'app' ? 'an' : 'a'} ${kind}.`,
      {
        provider: 'modal',
        hints: ['Use up to 64 letters, digits, "-", "_" and ".".', ...suggestion(legalName(name), '', name)],
      },
    );
  }
  if (kind === 'volume' && name === STATE_VOLUME) {
    throw usageError('BAD_NAME', `The volume "${name}" belongs to CloudCTL itself.`, {
      provider: 'modal',
      hints: ['Choose another name.'],
    });
  }
  return name;
}

/** @throws CloudError with exit code 2 for a name that Modal would reject, or that is reserved. */
export function checkFunctionName(name: string): string {
  if (!OBJECT_NAME.test(name) || name.includes('.')) {
    throw usageError('BAD_NAME', `Modal does not take "${name}" as the name of a function.`, {
      provider: 'modal',
      hints: [
        'Use up to 64 letters, digits, "-" and "_"; no dots.',
        ...suggestion(legalName(name).replaceAll('.', '-'), '--name '),
      ],
    });
  }
  if (name.endsWith(HTTP_SUFFIX)) {
    throw usageError(
      'BAD_NAME',
      `"${name}" cannot be the name of a function: "${HTTP_SUFFIX}" marks what serves a function over HTTP.`,
      {
        provider: 'modal',
        hints: [`Choose another: --name ${name.slice(0, -HTTP_SUFFIX.length) || 'handler'}`],
      },
    );
  }
  return name;
}

/** The nearest name that Modal takes. */
export function legalName(text: string): string {
  return text
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^a-zA-Z0-9\-_.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 64);
}

function suggestion(name: string, flag = '', instead = ''): string[] {
  return name === '' || name === instead ? [] : [`For example: ${flag}${name}`];
}
