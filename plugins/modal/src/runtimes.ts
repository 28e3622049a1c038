/** The Pythons that Modal's own images come with. */
export const PYTHONS = ['3.10', '3.11', '3.12', '3.13', '3.14'] as const;

export type PythonVersion = (typeof PYTHONS)[number];

/** CloudCTL's names for them: `python311`. */
export const RUNTIMES = PYTHONS.map(version => `python${version.replace('.', '')}`);

export const DEFAULT_RUNTIME = 'python311';

/** `3.11` for `python311`; nothing for what is no runtime. */
export function pythonOf(runtime: string): PythonVersion | undefined {
  return PYTHONS[RUNTIMES.indexOf(runtime)];
}
