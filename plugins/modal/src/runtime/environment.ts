import {join} from 'node:path';

/** Variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What Python, pip, uv and the SDK need of the user's environment. Upper-case; compared without regard to case. */
const ALLOWED = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TMP', 'TEMP', 'LD_LIBRARY_PATH'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NIX_SSL_CERT_FILE'],
  ...['GRPC_DEFAULT_SSL_ROOTS_FILE_PATH', 'NODE_EXTRA_CA_CERTS', 'NETRC'],
  ...['PYENV_ROOT', 'PYENV_VERSION'],
  ...[
    'SYSTEMROOT',
    'SYSTEMDRIVE',
    'WINDIR',
    'COMSPEC',
    'PATHEXT',
    'APPDATA',
    'LOCALAPPDATA',
    'PROGRAMDATA',
    'PROGRAMFILES',
  ],
  ...['USERPROFILE', 'USERNAME', 'HOMEDRIVE', 'HOMEPATH', 'NUMBER_OF_PROCESSORS', 'PROCESSOR_ARCHITECTURE'],
]);

const ALLOWED_PREFIXES = ['LC_', 'PIP_', 'UV_', 'XDG_'];

/** The SDK's settings that carry neither an identity nor an address. */
const MODAL_SETTINGS = new Set(
  [
    ...['LOGLEVEL', 'LOG_FORMAT', 'LOG_PATTERN', 'LOGS_TIMEOUT', 'TRACEBACK', 'ASYNC_WARNINGS', 'HEARTBEAT_INTERVAL'],
    ...['FORCE_BUILD', 'IGNORE_CACHE', 'IMAGE_BUILDER_VERSION', 'BUILD_VALIDATION', 'PAYLOAD_FORMAT', 'DEFAULT_CLOUD'],
    ...['MAX_THROTTLE_WAIT', 'DISABLE_API_PROXY'],
  ].map(name => `MODAL_${name}`),
);

/**
 * The part of the user's environment that Python processes of the plugin start with.
 *
 * An allow-list: cloud credentials, `PYTHONPATH`, `MODAL_TOKEN_*` and everything unknown stay behind.
 */
export function childEnvironment(environment: Environment): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) continue;
    const upper = name.toUpperCase();
    const allowed =
      ALLOWED.has(upper) || MODAL_SETTINGS.has(upper) || ALLOWED_PREFIXES.some(prefix => upper.startsWith(prefix));
    if (allowed) kept[name] = value;
  }
  return kept;
}

/** A path for `MODAL_CONFIG_PATH` at which no file is, so that the user's own `~/.modal.toml` is never read. */
export function absentConfigPath(directory: string): string {
  return join(directory, 'no-modal-config.toml');
}
