import type {FlagValues, OperationName, ProviderDefinition, ResourceTypeDefinition} from '@cloudctl/provider-sdk';
import * as Flags from '@oclif/core/flags';
import type {ArgInput, FlagInput} from '@oclif/core/interfaces';
import {readUserConfig} from '../config/user-config.js';
import {toOclifFlags} from '../providers/flags.js';
import {loadDefinition} from '../providers/loading.js';
import {chooseProvider, type Wish} from '../providers/selection.js';
import type {Session, SessionOptions} from '../services/session.js';
import {HostCommand} from './host-command.js';
import {peek} from './peek.js';

/** Flags of every verb that goes to a provider. */
export const providerFlags = {
  provider: Flags.string({char: 'p', summary: 'Provider to use.', env: 'CLOUDCTL_PROVIDER', helpValue: 'NAME'}),
  target: Flags.string({
    char: 't',
    summary: "Where to: the provider's cloud, or what stands in for it.",
    helpValue: 'NAME',
  }),
  profile: Flags.string({
    summary: "Stored credentials to use; PROVIDER:NAME is one of the provider's own configuration.",
    helpValue: 'NAME',
  }),
};

/** Operations that take a resource as it should be, by the flags of its type. */
const DESCRIBING: ReadonlySet<OperationName> = new Set(['deploy', 'plan']);

export interface Parsed {
  definition: ProviderDefinition;
  args: Readonly<Record<string, string>>;
  flags: Readonly<Record<string, unknown>>;
  /** The provider's own flags among them, as they were given. */
  options: FlagValues;
}

/** A verb that goes to one provider: chooses it, parses its flags with the core's, opens a session and ends it. */
export abstract class ProviderCommand<Data extends object> extends HostCommand<Data> {
  // oclif looks for it two classes up and no further.
  static override enableJsonFlag = true;
  static override baseFlags = providerFlags;

  readonly #sessions: Session[] = [];

  /** Chooses the provider by a look at argv, then parses once with its flags among the core's. */
  protected async parseFor(operation: OperationName): Promise<Parsed> {
    const {provider, type} = peek(
      this.argv,
      this.registry.providers.flatMap(({resources}) => resources),
    );
    const typed = 'type' in this.ctor.args;
    const {definition, registered} = await this.choose(provider, typed ? type : undefined);
    const own = DESCRIBING.has(operation) && type !== undefined ? flagsOf(definition, type) : {};
    const core = this.ctor.flags as FlagInput;
    // A plugin cannot take a flag of the core over.
    const merged = {...toOclifFlags(own, registered.toUpperCase()), ...core} as unknown as FlagInput;
    const {args, flags} = await this.parse({
      args: this.ctor.args as ArgInput,
      flags: merged,
      baseFlags: providerFlags as FlagInput,
      enableJsonFlag: true,
      strict: true,
    });
    const options = Object.fromEntries(
      Object.keys(own)
        .filter(name => !(name in core))
        .map(name => [name, flags[name] as FlagValues[string]]),
    );
    return {definition, args: args as Record<string, string>, flags, options};
  }

  /** Opens the session that this command works in. Ended with the command. */
  protected open({definition, flags}: Parsed, operation: OperationName, connected: boolean): Promise<Session> {
    const target = flags['target'] as string | undefined;
    return this.openWith(definition, {target, profile: flags['profile'] as string | undefined, operation, connected});
  }

  /** Opens the session of a verb about TYPE and NAME: in the provider's environment that NAME was deployed to. */
  protected async openFor(
    {definition, args, flags}: Parsed,
    operation: OperationName,
    connected: boolean,
  ): Promise<Session> {
    const {recordedEnvironment} = await import('../services/find.js');
    const target = flags['target'] as string | undefined;
    const where = {target, type: args['type']!, resource: args['name']!};
    const environment = await recordedEnvironment(this.host, definition, where);
    const profile = flags['profile'] as string | undefined;
    return this.openWith(definition, {target, profile, environment, operation, connected});
  }

  /** Opens a session, one of several perhaps. Ended with the command. */
  protected async openWith(definition: ProviderDefinition, options: SessionOptions): Promise<Session> {
    const {openSession} = await import('../services/session.js');
    const session = await openSession(this.host, definition, options);
    this.#sessions.push(session);
    return session;
  }

  override async finally(error: Error | undefined): Promise<void> {
    await Promise.all(this.#sessions.map(({implementation}) => implementation.dispose()));
    await super.finally(error);
  }

  private async choose(
    flag: string | undefined,
    type: string | undefined,
  ): Promise<{definition: ProviderDefinition; registered: string}> {
    const registered = chooseProvider(this.registry, {...(await this.wish(flag)), type});
    return {definition: await loadDefinition(registered), registered: registered.name};
  }

  /** What is known of the provider that the user wants, before anybody is asked. */
  protected async wish(flag: string | undefined): Promise<Pick<Wish, 'flag' | 'environment' | 'configured'>> {
    const environment = process.env['CLOUDCTL_PROVIDER'] || undefined;
    const configured =
      (flag ?? environment) === undefined ? (await readUserConfig(this.config.configDir)).provider : undefined;
    return {flag, environment, configured};
  }
}

function flagsOf(definition: ProviderDefinition, type: string): ResourceTypeDefinition['flags'] {
  return (definition.resources as Readonly<Record<string, ResourceTypeDefinition>>)[type]?.flags ?? {};
}
