import {environmentError, usageError} from '@cloudctl/provider-sdk';

/** The command that leaves a file or folder out of the package. */
export function leaveOut(path: string): string {
  return toIgnoreFile(`/${path}`);
}

function toIgnoreFile(pattern: string): string {
  return `echo '${pattern.replaceAll("'", "'\\''")}' >> .cloudctlignore`;
}

/** @param path relative to the project. */
export function unreadable(path: string, cause: unknown): Error {
  const {code} = cause as NodeJS.ErrnoException;
  const why = code === 'EACCES' || code === 'EPERM' ? 'no permission' : (code ?? String(cause));
  return environmentError('FILE_UNREADABLE', `${path} cannot be read: ${why}.`, {
    hints: ['Give yourself the permission: chmod -R u+rX .', `Or leave it out: ${leaveOut(path)}`],
    cause,
  });
}

export function changedMeanwhile(path: string): Error {
  return environmentError('SOURCE_CHANGED', `${path} changed while it was being packaged; nothing was deployed.`, {
    hints: [
      'Run the same command again when the files are at rest.',
      `Is it written by a running program? Leave it out: ${leaveOut(path)}`,
    ],
  });
}

export function tooLarge(path: string, size: number): Error {
  return usageError(
    'FILE_TOO_LARGE',
    `${path} has ${(size / 1024 ** 3).toFixed(1)} GiB; a package takes files of up to 1 GiB.`,
    {
      hints: [
        `Leave it out: ${leaveOut(path)}`,
        'Data belongs into a volume: cloudctl deploy storage NAME, then --volume NAME:/path',
      ],
    },
  );
}

export function secretFiles(paths: readonly string[]): Error {
  const shown = paths.slice(0, 5).join(', ') + (paths.length > 5 ? ` and ${paths.length - 5} more` : '');
  return usageError('SECRET_IN_PACKAGE', `${shown}: named like a secret, and would be uploaded with the code.`, {
    hints: [
      `Leave it out: ${leaveOut(paths[0]!)}`,
      'Give the function its secrets by name: --secret NAME',
      `Or, if it is no secret, take it in: ${toIgnoreFile(`!/${paths[0]}`)}`,
    ],
    data: {files: paths},
  });
}
