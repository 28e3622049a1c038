import {Secret} from '@cloudctl/provider-sdk';
import {keyringChangedValue} from './errors.js';
import {askKeyring, type KeyringProcessOptions, unexpectedReply} from './keyring-process.js';
import type {CredentialStore} from './store.js';

/** Secret Service (GNOME Keyring, KWallet, KeePassXC), macOS Keychain, Windows Credential Manager. */
export class KeyringStore implements CredentialStore {
  constructor(private readonly options: KeyringProcessOptions) {}

  async get(service: string, accounts: readonly string[]): Promise<ReadonlyMap<string, Secret>> {
    const reply = await askKeyring({operation: 'get', service, accounts}, this.options);
    if (reply.kind !== 'values') throw unexpectedReply();
    return new Map(Object.entries(reply.values).map(([account, value]) => [account, new Secret(value)]));
  }

  async set(service: string, account: string, secret: Secret): Promise<void> {
    const reply = await askKeyring({operation: 'set', service, account, secret: secret.reveal()}, this.options);
    if (reply.kind !== 'set') throw unexpectedReply();
    if (!reply.same) throw keyringChangedValue(this.options.waysOut);
  }

  async delete(service: string, account: string): Promise<boolean> {
    const reply = await askKeyring({operation: 'delete', service, account}, this.options);
    if (reply.kind !== 'deleted') throw unexpectedReply();
    return reply.existed;
  }
}
