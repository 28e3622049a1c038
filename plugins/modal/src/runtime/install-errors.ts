import {type CloudError, environmentError} from '@cloudctl/provider-sdk';
import {redactUrls} from './redact.js';

const PROVIDER = 'modal';

/** What the data of an error carries of an installer's output, in characters. */
const TAIL = 4000;

interface Kind {
  code: string;
  /** What the installers print in this case. pip and uv word it differently. */
  signs: RegExp;
  message: string;
  hints: readonly string[];
}

/** In this order: the first whose signs are there is the cause, and the later ones often its consequences. */
const KINDS: readonly Kind[] = [
  {
    code: 'DISK_FULL',
    signs: /No space left on device|Errno 28|ENOSPC|os error 28\b|not enough space on the disk|Disk quota exceeded/i,
    message: 'The disk is full: the Python environment for Modal needs about 150 MB.',
    hints: ['Make room, then run: cloudctl modal setup'],
  },
  {
    code: 'PACKAGE_HASH_MISMATCH',
    signs: /DO NOT MATCH THE HASHES|Hash mismatch|HashMismatch/i,
    message: 'A downloaded package is not the one that CloudCTL was released with.',
    hints: [
      'If a mirror or proxy serves it, tell whoever runs that. Then: cloudctl modal setup --rebuild',
      'A stale cache can be the cause: python3 -m pip cache purge',
    ],
  },
  {
    code: 'PERMISSION_DENIED',
    signs: /Permission denied|Errno 13|EACCES|Read-only file system|os error 13\b|os error 30\b|Errno 30/i,
    message: 'The Python environment for Modal could not be written.',
    hints: ["Give yourself the right to write into CloudCTL's data directory, then run: cloudctl modal setup"],
  },
  {
    code: 'REGISTRY_CERTIFICATE',
    signs: /CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError|invalid peer certificate|UnknownIssuer/i,
    message: "The package registry's certificate is not trusted.",
    hints: [
      'Behind a proxy that opens TLS, name its CA: PIP_CERT=/path/ca.pem SSL_CERT_FILE=/path/ca.pem cloudctl modal setup',
    ],
  },
  {
    code: 'REGISTRY_CREDENTIALS',
    signs:
      /\b(401|403|407)\b[^\n]{0,40}(Unauthorized|Forbidden|Proxy Authentication|Error)|Tunnel connection failed: 407/i,
    message: 'The package registry, or a proxy before it, refused the credentials.',
    hints: ['Check the index URL and the proxy (python3 -m pip config list), then run: cloudctl modal setup'],
  },
  {
    code: 'REGISTRY_UNREACHABLE',
    signs:
      /NewConnectionError|ConnectTimeout|NameResolutionError|ConnectionRefused|Connection refused|Temporary failure in name resolution|Network is unreachable|No route to host|connection broken by|dns error|error sending request|tcp connect error|Failed to fetch|client error \(Connect\)|operation timed out|Cannot connect to proxy/i,
    message: 'The package registry cannot be reached.',
    hints: [
      'Check the network, and HTTPS_PROXY where there is a proxy. Then run: cloudctl modal setup',
      'With a mirror: PIP_INDEX_URL=URL cloudctl modal setup',
      'Or use a Python that has the SDK: CLOUDCTL_MODAL_PYTHON=/path/to/python',
    ],
  },
  {
    code: 'PACKAGE_NOT_FOUND',
    signs:
      /No matching distribution found|Could not find a version that satisfies|not found in the package registry|No solution found/i,
    message: 'The package registry does not have everything that Modal needs.',
    hints: ['With another registry or mirror: PIP_INDEX_URL=URL cloudctl modal setup'],
  },
];

/** What an installer's output says about its failure. */
export function classify(output: string): string | undefined {
  return KINDS.find(({signs}) => signs.test(output))?.code;
}

/** The end of an installer's output, without credentials. */
export function outputTail(output: string): string {
  return redactUrls(output).trimEnd().slice(-TAIL);
}

/** The failure of an installation as an error. Its output goes to `data` alone. */
export function installError(output: string, code: string | undefined = classify(output)): CloudError {
  const kind = KINDS.find(known => known.code === code);
  const data = {output: outputTail(output)};
  if (kind !== undefined) {
    return environmentError(kind.code, kind.message, {provider: PROVIDER, hints: kind.hints, data});
  }
  const last = outputTail(output).split('\n').at(-1) ?? '';
  return environmentError(
    'PYTHON_SETUP_FAILED',
    `The Python environment for Modal could not be built: ${last.slice(0, 300)}`,
    {
      provider: PROVIDER,
      hints: ['See what the installer says: DEBUG=* cloudctl modal setup'],
      data,
    },
  );
}

/** A failure of the file system as an error for people; anything else as it is. */
export function fileError(error: unknown): unknown {
  const {code, message} = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOSPC: 'DISK_FULL',
    EDQUOT: 'DISK_FULL',
    EACCES: 'PERMISSION_DENIED',
    EPERM: 'PERMISSION_DENIED',
    EROFS: 'PERMISSION_DENIED',
  };
  const kind = code === undefined ? undefined : known[code];
  return code === undefined ? error : installError(message, kind);
}
