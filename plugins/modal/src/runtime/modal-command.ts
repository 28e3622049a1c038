import {CloudCommand, providerDirectories} from '@cloudctl/provider-sdk/oclif';
import type {RuntimeOptions} from './runtime.js';

/** The base of the plugin's own commands: what the parts of the plugin need of a command. */
export abstract class ModalCommand<Data extends object> extends CloudCommand<Data> {
  /** Directories, environment, progress and interruption of this command. */
  protected get surroundings(): RuntimeOptions {
    return {
      directories: providerDirectories(this.config, 'modal'),
      environment: process.env,
      report: this.report,
      debug: message => this.debug(message),
      signal: this.signal,
    };
  }
}
