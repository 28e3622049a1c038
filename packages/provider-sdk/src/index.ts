/**
 * The contract between CloudCTL's core and a provider plugin.
 *
 * Only data and functions cross the border: plugins live in their own `node_modules`, so class identity
 * (`instanceof`) and React elements never do.
 */
export * from './contract.js';
export * from './define.js';
export * from './errors.js';
export * from './facts.js';
export * from './flags.js';
export * from './names.js';
export * from './progress.js';
