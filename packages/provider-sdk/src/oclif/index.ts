/** What a plugin's own commands share with the core's: envelope, exit codes, directories, interruption. */
export * from './command.js';
export * from './directories.js';
export * from './present-error.js';
export * from './progress.js';
