import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {Ajv} from 'ajv';
import {repository} from '../acceptance/harness.js';

const schema = JSON.parse(readFileSync(join(repository, 'docs/json-output.schema.json'), 'utf8')) as object;
const ajv = new Ajv({allErrors: true, strict: false, formats: {uri: /^https?:\/\//}});
ajv.addSchema(schema, 'output');

/** What of `document` is not as `docs/json-output.schema.json` says. */
export function problemsOf(definition: string, document: unknown): unknown {
  const validate = ajv.getSchema(`output#/definitions/${definition.replaceAll(' ', '%20')}`)!;
  return validate(document) ? [] : validate.errors;
}
