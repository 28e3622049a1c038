/** What a provider plugin and the core agree on, by topic. */
export * from './contract/definition.js';
export * from './contract/implementation.js';
export * from './contract/metering.js';
export * from './contract/operations.js';
export * from './contract/resources.js';
export * from './contract/views.js';
