import {join} from 'node:path';
import {EXIT, type Terminal} from '@cloudctl/provider-sdk';
import {CloudCommand, hasColor} from '@cloudctl/provider-sdk/oclif';
import {EnvironmentSource} from '../credentials/environment.js';
import {type Registry, readRegistry} from '../providers/registry.js';
import type {Host} from '../services/session.js';

/** A command that calls services: what it lends them of the process, the terminal and oclif. */
export abstract class HostCommand<Data extends object> extends CloudCommand<Data> {
  // oclif looks for it two classes up and no further.
  static override enableJsonFlag = true;

  #host: Host | undefined;

  protected get registry(): Registry {
    return readRegistry(this.config);
  }

  protected get host(): Host {
    const {config} = this;
    this.#host ??= {
      version: config.version,
      cacheDir: config.cacheDir,
      configDir: config.configDir,
      dataDir: config.dataDir,
      keyringHelper: join(config.root, 'dist/credentials/keyring-helper.js'),
      workingDirectory: process.cwd(),
      environment: process.env,
      variables: new EnvironmentSource(process.env),
      signal: this.signal,
      report: event => this.report(event),
      ask: canAsk() ? async question => (await import('./prompt.js')).askSecret(question, this.signal) : undefined,
      confirm: canAsk() ? async question => this.confirmed(question) : undefined,
      note: message => this.note(message),
      warn: message => this.addWarning(message),
      debug: message => this.debug(message),
    };
    return this.#host;
  }

  private async confirmed(question: string): Promise<boolean> {
    await this.settle();
    return (await import('./prompt.js')).confirm(question, this.signal);
  }

  /** Says which records could not be read, and that the result is partial. */
  protected reportProblems(problems: readonly Error[]): void {
    for (const problem of problems) this.addWarning(problem.message);
    if (problems.length > 0) process.exitCode = EXIT.partial;
  }

  /** What may be drawn on; nothing off a terminal. */
  protected get terminal(): Terminal | undefined {
    return this.interactive ? {columns: process.stdout.columns ?? 80, color: hasColor(process.stdout)} : undefined;
  }
}

/** Whether a person can be asked: they see stderr and type into stdin. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}
