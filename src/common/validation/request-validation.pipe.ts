import { type ArgumentMetadata, Injectable, SetMetadata, type Type, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { ValidationFailedError } from '../errors/common.errors.js';
import type { FieldError } from '../errors/problem.error.js';

const AT_LEAST_ONE = 'validation:at-least-one';

/** On a body's class: an object without any of these fields changes nothing and is refused. */
export const AtLeastOneOf = (...fields: string[]) => SetMetadata(AT_LEAST_ONE, fields);

function fieldErrors(errors: readonly ValidationError[]): FieldError[] {
  return errors.flatMap(({ property, constraints }) =>
    Object.entries(constraints ?? {}).map(([name, message]) => ({
      field: property,
      message: name === 'whitelistValidation' ? 'is not a known field' : message,
    })),
  );
}

/** What no database and no log should be handed, whichever field it comes in. */
function unstorableText(value: object): FieldError[] {
  return Object.entries(value).flatMap(([field, text]) => {
    if (typeof text !== 'string') return [];
    if (!text.isWellFormed())
      return [{ field, message: 'must be well-formed Unicode (a surrogate stands alone)' }];
    return text.includes('\0') ? [{ field, message: 'must not contain NUL' }] : [];
  });
}

/**
 * `constructor`, `prototype`, `toString`, `__proto__`…: the libraries drop some of these names on their way, and look the others
 * up in plain objects, where they find what every object has and take the field for a known one.
 */
function inheritedNames(value: object): FieldError[] {
  return Object.keys(value)
    .filter((field) => field in Object.prototype || field === 'prototype')
    .map((field) => ({ field, message: 'is not a known field' }));
}

function missingAlternatives(metatype: Type, value: object): FieldError[] {
  const fields = (Reflect.getMetadata(AT_LEAST_ONE, metatype) as string[] | undefined) ?? [];
  if (fields.length === 0 || fields.some((field) => Object.hasOwn(value, field))) return [];
  return fields.map((field) => ({ field, message: `at least one of ${fields.join(', ')} must be given` }));
}

/** Nest's pipe, told to list every failing field of a body or query, unknown ones included, in our one error shape. */
@Injectable()
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      validationError: { target: false, value: false },
      exceptionFactory: (errors) => new ValidationFailedError(fieldErrors(errors)),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype, type } = metadata;
    if ((type !== 'body' && type !== 'query') || metatype === undefined) return value;
    // A request without any body is one with nothing in it.
    const given = (value ?? {}) as object;
    const found = [
      ...unstorableText(given),
      ...inheritedNames(given),
      ...missingAlternatives(metatype, given),
    ];
    try {
      const result: unknown = await super.transform(given, metadata);
      if (found.length === 0) return result;
    } catch (error) {
      if (!(error instanceof ValidationFailedError)) throw error;
      const named = new Set(found.map(({ field }) => field));
      found.push(...error.errors!.filter(({ field }) => !named.has(field)));
    }
    throw new ValidationFailedError(found);
  }
}
