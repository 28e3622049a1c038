import type {
  Discovery,
  FlagDefinitions,
  FlagValue,
  FlagValues,
  ProviderDefinition,
  ResourceTypeDefinition,
} from '@cloudctl/provider-sdk';
import {takesPairs} from '../config/values.js';

export interface InitTextInput {
  definition: ProviderDefinition;
  /** What is written only where the user said so. */
  target?: string | undefined;
  profile?: string | undefined;
  /** Type of the functions; the examples are of that type where none was found. */
  type: string;
  resources: readonly InitResource[];
  options: FlagValues;
  choices: FlagValues;
}

/** A resource for the file. */
export interface InitResource {
  resource: string;
  type: string;
  handler: string;
  kind: Discovery['functions'][number]['kind'];
  summary?: string;
  /** Whether it stands in the file, or in a comment that only has to be uncommented. */
  active: boolean;
}

/** No line of prose is longer. */
const COLUMNS = 80;

/** The text of a `cloudctl.yaml` that says what was found, and shows in comments what else could be said. */
export function initText(input: InitTextInput): string {
  const {definition, type, resources, options, target, profile} = input;
  const types = Object.entries<ResourceTypeDefinition>(definition.resources);
  const {flags} = definition.resources[type]!;
  const other = definition.targets[1];
  const first = resources[0];
  const found = resources.slice(1);
  return [
    ...prose(
      '',
      'What "cloudctl apply" deploys from here; "cloudctl plan" shows it first.',
      `All keys of a resource: cloudctl deploy ${type} --help`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the file's own variables
      'Values may come from the environment, as in ${NAME} or ${NAME:-default}. Secrets do not belong here.',
    ),
    'version: 1',
    `provider: ${scalar(definition.name)}`,
    ...(target === undefined ? [] : [`target: ${scalar(target)}`]),
    ...(target === undefined && other !== undefined ? [withNote(`# target: ${other.name}`, other.summary)] : []),
    ...(profile === undefined ? [] : [`profile: ${scalar(profile)}`]),
    '',
    ...defaults(input),
    'resources:',
    ...(first === undefined
      ? [
          ...prose('  ', 'No function was found. Write one, then take the "#" away:'),
          ...commented('  ', [
            `${exampleName(type, definition)}:`,
            `  type: ${type}`,
            ...exampleLine(flags, 'handler').map(line => `  ${line}`),
          ]),
        ]
      : [
          ...prose('  ', first.summary),
          ...resourceLines(first).map(line => `  ${line}`),
          ...commented('    ', examples(flags, [...Object.keys(options), ...Object.keys(input.choices), 'handler'])),
        ]),
    ...(found.length === 0 ? [] : ['', ...prose('  ', 'Also found. Take the "#" away from what is to be deployed.')]),
    ...found.flatMap((resource, i) => [
      ...(i === 0 ? [] : ['']),
      ...prose('  ', resource.summary),
      ...commented('  ', resourceLines(resource)),
    ]),
    ...types
      .filter(([name, {source}]) => name !== type && !source)
      .flatMap(([name, of]) => [
        '',
        ...prose('  ', `${of.summary}.`),
        ...commented('  ', [
          `${exampleName(name, definition)}:`,
          `  type: ${name}`,
          ...examples(of.flags, []).map(line => `  ${line}`),
        ]),
      ]),
    '',
    ...environments(input),
    '',
  ].join('\n');
}

function defaults({type, options, choices}: InitTextInput): string[] {
  const lines = [
    ...Object.entries(options).flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${written(value)}`])),
    ...Object.entries(choices).flatMap(([key, value]) => (value === undefined ? [] : [`# ${key}: ${written(value)}`])),
  ];
  if (lines.length === 0) return [];
  return [
    ...prose('', `For every resource of type ${type} that does not say otherwise.`),
    'defaults:',
    `  ${type}:`,
    ...lines.map(line => `    ${line}`),
    '',
  ];
}

/** Nothing where there is nothing that could differ. */
function environments({type, resources, options, definition}: InitTextInput): string[] {
  const {app} = options;
  const changed = Object.entries<ResourceTypeDefinition>(definition.resources)
    .filter(([name]) => name === type)
    .flatMap(([, {flags}]) => examples(flags, [...Object.keys(options), 'handler']))[0];
  const [first] = resources;
  const lines = [
    ...(app === undefined ? [] : ['defaults:', `  ${type}:`, `    app: ${scalar(`${String(app)}-staging`)}`]),
    ...(first === undefined || changed === undefined
      ? []
      : ['resources:', `  ${scalar(first.resource)}:`, `    ${changed}`]),
  ];
  if (lines.length === 0) return [];
  return [
    ...prose('', 'What differs in another environment: cloudctl plan --environment staging'),
    ...commented('', ['environments:', '  staging:', ...lines.map(line => `    ${line}`)]),
  ];
}

function resourceLines({resource, type, handler}: InitResource): string[] {
  return [`${scalar(resource)}:`, `  type: ${type}`, `  handler: ${scalar(handler)}`];
}

function exampleName(type: string, {resources}: ProviderDefinition): string {
  return scalar(resources[type]!.exampleName ?? type);
}

/** Flags with an example, as lines of a resource. */
function examples(flags: FlagDefinitions, without: readonly string[]): string[] {
  return Object.keys(flags)
    .filter(name => !without.includes(name))
    .flatMap(name => exampleLine(flags, name));
}

function exampleLine(flags: FlagDefinitions, name: string): string[] {
  const flag = flags[name];
  if (flag?.example === undefined) return [];
  const {example, summary} = flag;
  const pairs = takesPairs(flag) && Array.isArray(example) ? (example as readonly string[]) : undefined;
  const value = pairs === undefined ? written(example) : `{${pairs.map(pair).join(', ')}}`;
  return [withNote(`${name}: ${value}`, summary.split(/[.;:] ?(?=[A-Za-z]|$)/)[0]!)];
}

function pair(text: string): string {
  const cut = text.indexOf('=');
  return `${scalar(text.slice(0, cut))}: ${scalar(text.slice(cut + 1))}`;
}

/** The line with what it means, where that is short enough to stand beside it, also deep inside the file. */
function withNote(line: string, note: string): string {
  const whole = `${line}  # ${note}`;
  return whole.length <= COLUMNS - 10 ? whole : line;
}

function commented(indent: string, lines: readonly string[]): string[] {
  return lines.map(line => `${indent}# ${line}`);
}

/** Sentences as comments, each on lines of its own. */
function prose(indent: string, ...sentences: readonly (string | undefined)[]): string[] {
  return sentences.flatMap(sentence => {
    const lines: string[] = [];
    for (const word of (sentence ?? '')
      .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
      .split(/ +/)
      .filter(Boolean)) {
      const last = lines.at(-1);
      if (last !== undefined && indent.length + last.length + word.length + 3 <= COLUMNS)
        lines.push(`${lines.pop()} ${word}`);
      else lines.push(word);
    }
    return commented(indent, lines);
  });
}

function written(value: FlagValue): string {
  return typeof value === 'object' ? `[${value.map(scalar).join(', ')}]` : scalar(value);
}

/** A value as YAML: plain where it can only be text, else in quotes, as JSON has them. */
function scalar(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  const text = value.replaceAll('${', () => '$${');
  const plain = /^[A-Za-z_/](?:[\w./:-]*[\w/])?$/.test(text);
  return plain && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text) ? text : JSON.stringify(text);
}
