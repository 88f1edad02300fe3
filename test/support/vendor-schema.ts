import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

/**
 * Checks JSON against a vendor's published schema.
 * @param document an OpenAPI document (3.0 or 3.1), or the part of it that is needed
 * @returns a function that throws, with every fault, where a value does not fit the schema at a pointer like
 *   `/components/schemas/record`
 */
export function vendorSchema(document: object): (pointer: string, value: unknown) => void {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true });
  formats.default(ajv);
  ajv.addSchema(document, 'vendor');
  return (pointer, value) => {
    const validate = ajv.compile({ $ref: `vendor#${pointer}` });
    if (!validate(value)) throw new Error(`${pointer}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(value)}`);
  };
}
