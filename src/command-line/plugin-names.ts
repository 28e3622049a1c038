const VERBS = new Set(['install', 'add', 'uninstall', 'unlink', 'remove', 'inspect']);

/** A bare name, with a version perhaps: no scope, no path, no address. */
const SHORT = /^([a-z0-9][a-z0-9-]*)(@[^/:]+)?$/;

/**
 * Makes `plugins install modal` mean `@cloudctl/plugin-modal` and nothing else.
 *
 * oclif would fall back to the unscoped package of that name, which is somebody else's.
 */
export function expandPluginNames(argv: readonly string[]): string[] {
  const [topic, verb] = argv[0]?.includes(':') ? (argv[0].split(':') as [string, string]) : [argv[0], argv[1]];
  if (topic !== 'plugins' || verb === undefined || !VERBS.has(verb)) return [...argv];
  const first = argv[0] === 'plugins' ? 2 : 1;
  return argv.map((word, i) =>
    i < first
      ? word
      : word.replace(SHORT, (_, name: string, tag = '') => `@cloudctl/plugin-${name.replace(/^plugin-/, '')}${tag}`),
  );
}
