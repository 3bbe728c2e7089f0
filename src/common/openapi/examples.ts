import type { OpenAPIObject } from '@nestjs/swagger';

export type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Schemas[string];

/** Builds an example of a body from the examples of its fields. A field without an example is left out. */
export function exampleFor(schema: Schema, schemas: Schemas): unknown {
  if ('$ref' in schema) return exampleFor(schemas[schema.$ref.split('/').pop()!]!, schemas);
  if (schema.example !== undefined) return schema.example;
  // A reference that is also nullable or described.
  if (schema.allOf) return exampleFor(schema.allOf[0]!, schemas);
  if (schema.type === 'array') return [exampleFor(schema.items!, schemas)];
  if (!schema.properties) return undefined;
  const members = Object.entries(schema.properties).map(([name, property]) => [
    name,
    exampleFor(property, schemas),
  ]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined)) as unknown;
}
