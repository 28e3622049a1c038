import type {FlagDefinition, ProviderDefinition, ResourceTypeDefinition} from '@cloudctl/provider-sdk';
import {NAME, OWN_SUMMARIES, optionsOf, resourceKeys, typesOf, VERSION} from './known-types.js';
import {takesPairs} from './values.js';

type Schema = {readonly [key: string]: unknown};

const NULL: Schema = {type: 'null'};
const VARIABLE: Schema = {$ref: '#/definitions/variable'};
const TEXT: Schema = {type: 'string', minLength: 1};
const NAMES: Schema = {pattern: NAME.source};

/** Where a key may be gone over again: an overlay, or a resource that takes a default away. */
const orNull = (schema: Schema): Schema => ({anyOf: [schema, NULL]});

const mapOf = (values: Schema): Schema => ({
  type: ['object', 'null'],
  propertyNames: NAMES,
  additionalProperties: values,
});

/**
 * `cloudctl.yaml` as a JSON Schema (draft 7, which editors know best), for files that use these providers.
 *
 * It says what can be said without knowing the rest of the file: what refers to other parts, variables and the disk
 * stay for `loadProject`. Resources of other providers are taken as they are.
 */
export function projectSchema(definitions: readonly ProviderDefinition[]): Schema {
  const single = definitions.length === 1;
  const names = definitions.map(({name}) => name);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'cloudctl.yaml',
    type: 'object',
    required: ['version', 'resources'],
    additionalProperties: false,
    properties: {
      version: {const: VERSION, description: 'Of the form of this file.'},
      provider: {description: 'Provider of every resource that does not say.', anyOf: [{enum: names}, TEXT]},
      target: {description: "Where to: the provider's cloud, or what stands in for it.", ...TEXT},
      environment: {description: "Environment of the provider's own.", ...TEXT},
      profile: {description: 'Stored credentials to use.', ...TEXT},
      defaults: {description: 'By resource type: what holds where a resource does not say.', type: ['object', 'null']},
      resources: {description: 'What is to be there, by NAME.', ...mapOf({type: 'object'})},
      environments: {
        description: 'What differs, by name; chosen with --environment.',
        ...mapOf({type: ['object', 'null']}),
      },
    },
    allOf: definitions.map(definition => ({
      // A file that names no provider is for the only one that there is.
      if: {properties: {provider: {const: definition.name}}, ...(single ? {} : {required: ['provider']})},
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        properties: {
          target: target(definition),
          defaults: {$ref: `#/definitions/${definition.name}-defaults`},
          resources: mapOf({$ref: `#/definitions/${definition.name}-resource`}),
          environments: mapOf({$ref: `#/definitions/${definition.name}-environment`}),
        },
      },
    })),
    definitions: {
      variable: {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the file's own variables
        description: 'A value from an environment variable: ${NAME}, or ${NAME:-default}.',
        type: 'string',
        pattern: '\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}',
      },
      ...Object.assign({}, ...definitions.map(definitionsOf)),
    },
  };
}

function target({targets}: ProviderDefinition): Schema {
  return {anyOf: [{enum: targets.map(({name}) => name)}, VARIABLE]};
}

function definitionsOf(definition: ProviderDefinition): Schema {
  const types = [...typesOf(definition)];
  const ref = (part: string): Schema => ({$ref: `#/definitions/${definition.name}-${part}`});
  const defaults = Object.fromEntries(
    types.map(([type, of]) => [type, {type: ['object', 'null'], additionalProperties: false, properties: options(of)}]),
  );
  const own = {properties: {provider: {const: definition.name}}};
  return {
    [`${definition.name}-defaults`]: {type: ['object', 'null'], additionalProperties: false, properties: defaults},
    [`${definition.name}-resource`]: {
      type: 'object',
      required: ['type'],
      if: own,
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        properties: {type: {description: OWN_SUMMARIES.type, enum: types.map(([type]) => type)}},
        allOf: types.map(([type, of]) => ({
          if: {required: ['type'], properties: {type: {const: type}}},
          // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
          then: {description: of.summary, additionalProperties: false, properties: keysOf([of])},
        })),
      },
    },
    [`${definition.name}-overlay`]: {
      type: ['object', 'null'],
      if: own,
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {additionalProperties: false, properties: keysOf(types.map(([, of]) => of))},
    },
    [`${definition.name}-environment`]: {
      type: ['object', 'null'],
      additionalProperties: false,
      properties: {
        target: orNull(target(definition)),
        environment: orNull(TEXT),
        profile: orNull(TEXT),
        defaults: {
          type: ['object', 'null'],
          additionalProperties: false,
          properties: Object.fromEntries(
            types.map(([type, of]) => [
              type,
              {type: ['object', 'null'], additionalProperties: false, properties: nullable(options(of))},
            ]),
          ),
        },
        resources: mapOf(ref('overlay')),
      },
    },
  };
}

/** Everything that a resource of these types may say; of which one it is, an overlay does not tell. */
function keysOf(types: readonly ResourceTypeDefinition[]): Record<string, Schema> {
  const own: Record<string, Schema> = {
    type: {description: OWN_SUMMARIES.type, type: 'string'},
    provider: {description: OWN_SUMMARIES.provider, type: 'string'},
    name: orNull({description: OWN_SUMMARIES.name, ...TEXT}),
    'depends-on': orNull({description: OWN_SUMMARIES['depends-on'], type: 'array', items: {type: 'string'}}),
  };
  const keys = new Set(types.flatMap(resourceKeys));
  const merged: Record<string, Schema[]> = {};
  for (const [key, schema] of types.flatMap(type => Object.entries(nullable(options(type))))) {
    merged[key] ??= [];
    if (!merged[key].some(known => JSON.stringify(known) === JSON.stringify(schema))) merged[key].push(schema);
  }
  return Object.fromEntries(
    [...keys].map(key => [key, own[key] ?? (merged[key]!.length === 1 ? merged[key]![0]! : {anyOf: merged[key]})]),
  );
}

function options(type: ResourceTypeDefinition): Record<string, Schema> {
  const source: Record<string, Schema> = type.source ? {source: {description: OWN_SUMMARIES.source, ...TEXT}} : {};
  return {...source, ...Object.fromEntries([...optionsOf(type)].map(([key, flag]) => [key, value(flag)]))};
}

function nullable(properties: Record<string, Schema>): Record<string, Schema> {
  return Object.fromEntries(Object.entries(properties).map(([key, schema]) => [key, orNull(schema)]));
}

function value(flag: FlagDefinition): Schema {
  const {summary, defaultText, example} = flag;
  return {
    description: defaultText === undefined ? summary : `${summary} Default: ${defaultText}.`,
    ...(example === undefined ? {} : {examples: [example]}),
    ...shape(flag),
  };
}

function shape(flag: FlagDefinition): Schema {
  const {kind, options, min, max, multiple} = flag;
  if (takesPairs(flag)) {
    return {
      anyOf: [
        {type: 'array', items: {type: 'string', pattern: '^([^=]+=|.*\\$\\{)'}},
        {
          type: 'object',
          propertyNames: {pattern: '^[^=]+$'},
          additionalProperties: {type: ['string', 'number', 'boolean', 'null']},
        },
      ],
    };
  }
  if (multiple === true) return {type: 'array', items: shape({...flag, multiple: false})};
  if (kind === 'string') return options === undefined ? {type: 'string'} : {anyOf: [{enum: options}, VARIABLE]};
  const range = {...(min === undefined ? {} : {minimum: min}), ...(max === undefined ? {} : {maximum: max})};
  return {anyOf: [{type: kind, ...range}, VARIABLE]};
}
