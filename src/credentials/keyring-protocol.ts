/** Between the CLI and its keyring helper: one JSON line each way on descriptor 3, after the helper's "ready". */
export type KeyringRequest =
  | {operation: 'get'; service: string; accounts: readonly string[]}
  | {operation: 'set'; service: string; account: string; secret: string}
  | {operation: 'delete'; service: string; account: string};

export type KeyringReply =
  /** The native module is loaded; the keyring itself has not been asked yet. */
  | {kind: 'ready'}
  | {kind: 'values'; values: Readonly<Record<string, string>>}
  | {kind: 'set'; same: boolean}
  | {kind: 'deleted'; existed: boolean}
  /** `module`: the native module does not load. `keyring`: the keyring refused; whatever it threw is a failure. */
  | {kind: 'failed'; what: 'module' | 'keyring'; reason: string};

/** The private descriptor: values never stand in argv or in an environment. */
export const KEYRING_FD = 3;
