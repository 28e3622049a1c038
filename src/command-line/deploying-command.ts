import {resolve} from 'node:path';
import {EXIT, usageError} from '@cloudctl/provider-sdk';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type {DeployOptions, DeployResult} from '../services/deploy.js';
import type {Step} from '../services/groups.js';
import type {LedgerRecord} from '../services/ledger.js';
import type {PlannedGroup} from '../services/planning.js';
import {peek} from './peek.js';
import {type Parsed, ProviderCommand} from './provider-command.js';

/** TYPE and NAME of one resource; without them it is about `cloudctl.yaml`. */
export const resourceArgs = {
  type: Args.string({description: 'Resource type, such as ai or storage', ignoreStdin: true}),
  name: Args.string({description: "CloudCTL's name of the resource; every other verb takes it", ignoreStdin: true}),
};

/** What says how one resource is to be, beside the provider's own flags. */
export const resourceFlags = {
  name: Flags.string({summary: "The provider's name of the resource. [default: NAME]", helpValue: 'TEXT'}),
  source: Flags.string({
    summary: 'Directory with the code, for a type that has code. [default: .]',
    helpValue: 'DIR',
  }),
};

/** What says which part of `cloudctl.yaml` is meant. */
export const projectFlags = {
  file: Flags.string({
    char: 'f',
    summary: 'The project file. [default: cloudctl.yaml, here or above]',
    helpValue: 'FILE',
  }),
  environment: Flags.string({char: 'e', summary: 'Environment of the project file.', helpValue: 'NAME'}),
  only: Flags.string({summary: 'Only this resource; may be repeated.', helpValue: 'NAME', multiple: true}),
};

/** How far a deploy may go. */
export const deployFlags = {
  replace: Flags.boolean({summary: 'Drop what is live in the same app but was not deployed by CloudCTL.'}),
  'take-over': Flags.boolean({summary: 'Go on although NAME was deployed from another directory.'}),
};

export const planFlags = {
  'exit-code': Flags.boolean({summary: 'End with 9 where there are changes, with 0 where there are none.'}),
  refresh: Flags.boolean({summary: 'Compare with what is live too, not with the ledger alone.'}),
};

export const yesFlag = Flags.boolean({char: 'y', summary: 'Ask nothing: yes to a package of over 100 MB.'});

/** What a command is to bring about. */
export interface Wanted {
  /** In an order in which everything comes after what it needs. */
  steps: readonly Step[];
  /** For people: `cloudctl.yaml (environment staging)`. */
  title: string;
  /** The flags that say so again, for a command to copy. */
  flags: string;
  /** Deployed from here before, and no longer asked for. */
  strays: readonly LedgerRecord[];
}

/** What a preview found. */
export interface Compared {
  groups: readonly PlannedGroup[];
  source: 'ledger' | 'live';
}

/** A verb about resources as they should be: one by TYPE, NAME and flags, or all of `cloudctl.yaml`. */
export abstract class DeployingCommand<Data extends object> extends ProviderCommand<Data> {
  // oclif looks for it two classes up and no further.
  static override enableJsonFlag = true;

  /** Parses with the flags of a type where TYPE is given, else for the project file. */
  protected async parseResourceOrProject(operation: 'plan'): Promise<{parsed: Parsed; single: boolean}> {
    const types = this.registry.providers.flatMap(({resources}) => resources);
    const single = peek(this.argv, types).type !== undefined;
    return {parsed: await this.parseFor(operation), single};
  }

  /** One resource, as its flags say. */
  protected async wantedByFlags(parsed: Parsed, connected: boolean): Promise<Wanted> {
    const {args, flags, options} = parsed;
    const {type, name: resource} = args;
    const stray = Object.keys(projectFlags).find(flag => flags[flag] !== undefined);
    if (stray !== undefined)
      throw usageError('USAGE', `--${stray} is about cloudctl.yaml, and does not go with TYPE and NAME.`);
    if (type === undefined || resource === undefined) throw nameMissing(this.id ?? 'deploy', type);
    const session = await this.open(parsed, 'observe', connected);
    const {desire, PackageReader} = await import('../services/desired.js');
    const name = flags['name'] as string | undefined;
    const input = {type, resource, name, options, source: flags['source'] as string | undefined};
    const desired = await desire(session, input, new PackageReader(session, outOf(flags)));
    const place = desired.app === undefined ? {} : {app: desired.app};
    const target = session.target === session.definition.targets[0] ? '' : ` --target ${session.target.name}`;
    return {
      steps: [{session, type, members: [desired], after: [], ...place}],
      title: `${type} ${resource}`,
      flags: ` ${type} ${resource}${target}`,
      strays: [],
    };
  }

  /** Everything in the project file, or what `--only` leaves of it. */
  protected async wantedByProject(flags: Parsed['flags'], connected: boolean): Promise<Wanted> {
    const stray = Object.keys(resourceFlags).find(flag => flags[flag] !== undefined);
    if (stray !== undefined)
      throw usageError('USAGE', `--${stray} is about one resource: give its TYPE and NAME.`, {
        hints: [`cloudctl ${this.id} TYPE NAME --${stray} ...`, 'In cloudctl.yaml it is a key of the resource.'],
      });
    const {openProject} = await import('../services/project.js');
    const wish = await this.wish(flags['provider'] as string | undefined);
    const overlay = flags['environment'] as string | undefined;
    const only = (flags['only'] as string[] | undefined) ?? [];
    const {steps, shown, strays} = await openProject(
      this.host,
      this.registry,
      {
        ...{overlay, only},
        file: flags['file'] as string | undefined,
        target: flags['target'] as string | undefined,
        profile: flags['profile'] as string | undefined,
        provider: wish.flag ?? wish.environment ?? wish.configured,
        without: outOf(flags),
      },
      (definition, choice) => this.openWith(definition, {...choice, operation: 'observe', connected}),
    );
    const given = ['file', 'environment', 'target', 'profile'] as const;
    const words = given.flatMap(flag => (flags[flag] === undefined ? [] : [` --${flag} ${String(flags[flag])}`]));
    return {
      ...{steps, strays},
      title: overlay === undefined ? shown : `${shown} (environment ${overlay})`,
      flags: [...words, ...only.map(name => ` --only ${name}`)].join(''),
    };
  }

  /** What a plan file says, as far as it still holds. */
  protected async wantedByPlan(file: string): Promise<Wanted & {options: DeployOptions}> {
    const {openPlan} = await import('../services/saved-plan.js');
    const {steps, options} = await openPlan(this.host, this.registry, file, (definition, choice) =>
      this.openWith(definition, {...choice, operation: 'observe', connected: true}),
    );
    return {steps, options, title: file, flags: ` --plan ${file}`, strays: []};
  }

  protected async plan(steps: readonly Step[], flags: Parsed['flags'], refresh: boolean): Promise<PlannedGroup[]> {
    const {planGroup} = await import('../services/planning.js');
    const {replace, takeOver} = deployOptions(flags);
    const planned: PlannedGroup[] = [];
    for (const step of steps) planned.push(await planGroup(step, {replace, takeOver, refresh}));
    return planned;
  }

  /** @throws CloudError for flags of a preview where there is none. */
  protected checkPreview({args, flags}: Parsed): void {
    const needless = ['refresh', 'exit-code'].find(flag => flags[flag] === true);
    if (needless === undefined || flags['dry-run'] === true) return;
    const place = `${args['type'] ?? 'TYPE'} ${args['name'] ?? 'NAME'}`;
    throw usageError('USAGE', `--${needless} is about a preview: it goes with --dry-run.`, {
      hints: [`cloudctl ${this.id} ${place} --dry-run --${needless}`],
    });
  }

  /** @throws CloudError for flags that do not go together. */
  protected checkCombination(parsed: Parsed): void {
    const {args, flags} = parsed;
    const dryRun = flags['dry-run'] === true;
    this.checkPreview(parsed);
    if (flags['plan'] === undefined) return;
    const other = [...(args['type'] === undefined ? [] : ['TYPE and NAME']), ...(dryRun ? ['--dry-run'] : [])];
    if (other.length > 0) {
      throw usageError('USAGE', `--plan says all by itself: leave ${other.join(' and ')} out.`, {
        hints: [`cloudctl deploy --plan ${flags['plan'] as string}`],
      });
    }
  }

  /** @throws CloudError with exit code 2 for a large package that nobody said yes to. */
  protected async checkSizes(groups: readonly PlannedGroup[], flags: Parsed['flags']): Promise<void> {
    const {checkPackageSizes} = await import('../services/package-size.js');
    await checkPackageSizes(this.host, groups, flags['yes'] === true);
  }

  /** Asks on a terminal; elsewhere, and with `--yes`, the answer is yes. */
  protected async confirmUnless(yes: boolean, question: string): Promise<void> {
    const {confirm} = this.host;
    if (yes || this.jsonEnabled() || confirm === undefined) return;
    if (!(await confirm(question))) throw usageError('NOT_CONFIRMED', 'Nothing was deployed.');
  }

  /** Keeps a plan for `deploy --plan`. */
  protected async keepPlan(file: string, groups: readonly PlannedGroup[], flags: Parsed['flags']): Promise<void> {
    const {toPlanFile, writePlanFile} = await import('../services/plan-file.js');
    const {replace, takeOver} = deployOptions(flags);
    await writePlanFile(file, toPlanFile(groups, {replace, takeOver, client: this.config.version}));
  }

  /** The plans of a preview, and what they were compared with. Sets the exit code that `--exit-code` asks for. */
  protected async compare(steps: readonly Step[], flags: Parsed['flags']): Promise<Compared> {
    const refresh = flags['refresh'] === true;
    const groups = await this.plan(steps, flags, refresh);
    await this.settle();
    const changes = groups.some(({resources}) => resources.some(({plan}) => plan.action !== 'none'));
    if (flags['exit-code'] === true && changes) process.exitCode = EXIT.changes;
    return {groups, source: refresh ? 'live' : 'ledger'};
  }

  /**
   * Deploys several groups, and shows what came of it.
   *
   * @param again the command that goes on after a failure.
   * @throws CloudError with exit code 6 where not all of it succeeded.
   */
  protected async carryOut(
    steps: readonly Step[],
    options: DeployOptions,
    again: string,
    text: (results: readonly DeployResult[]) => string,
  ): Promise<readonly DeployResult[]> {
    const {applyError, applySteps} = await import('../services/apply.js');
    const result = await applySteps(steps, options);
    await this.settle();
    if (result.deployed.length > 0) this.show(text(result.deployed));
    if (result.failed.length > 0) throw applyError(result, again);
    return result.deployed;
  }
}

/** The plan that is being kept is no part of what it is about. */
function outOf(flags: Parsed['flags']): string[] {
  return flags['out'] === undefined ? [] : [resolve(flags['out'] as string)];
}

export function deployOptions(flags: Parsed['flags']): DeployOptions {
  return {replace: flags['replace'] === true, takeOver: flags['take-over'] === true};
}

function nameMissing(verb: string, type: string | undefined): Error {
  return usageError('USAGE', type === undefined ? `${verb} takes TYPE and NAME.` : `${verb} ${type} takes a NAME.`, {
    hints: [
      `One resource: cloudctl ${verb} ${type ?? 'ai'} NAME`,
      ...(verb === 'plan' ? [] : ['Everything in cloudctl.yaml: cloudctl apply']),
      `Help: cloudctl ${verb} --help`,
    ],
  });
}
