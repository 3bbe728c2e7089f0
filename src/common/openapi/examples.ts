import type { OpenAPIObject } from '@nestjs/swagger';

export type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Schemas[string];

/** Builds an example of a body from the examples of its fields. */
export function exampleFor(schema: Schema, schemas: Schemas): unknown {
  if ('$ref' in schema) return exampleFor(schemas[schema.$ref.split('/').pop()!]!, schemas);
  if (schema.example !== undefined) return schema.example;
  if (schema.type === 'array') return [exampleFor(schema.items!, schemas)];
  return Object.fromEntries(
    Object.entries(schema.properties!).map(([name, property]) => [name, exampleFor(property, schemas)]),
  );
}
