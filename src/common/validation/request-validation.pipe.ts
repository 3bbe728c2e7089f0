import { type ArgumentMetadata, Injectable, SetMetadata, type Type, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { ValidationFailedError } from '../errors/common.errors.js';
import type { FieldError } from '../errors/problem.error.js';
import { nestedField, untrustedInput } from './untrusted-input.js';

const AT_LEAST_ONE = 'validation:at-least-one';

/** On a body's class: rejects an object without any of these fields, because it would change nothing. */
export const AtLeastOneOf = (...fields: string[]) => SetMetadata(AT_LEAST_ONE, fields);

/** Lists every invalid field of an object, including nested objects and lists. */
function fieldErrors(errors: readonly ValidationError[], parent = ''): FieldError[] {
  return errors.flatMap(({ property, constraints, children, target }) => {
    const field = nestedField(parent, property, Array.isArray(target));
    const own = Object.entries(constraints ?? {}).map(([name, message]) => ({
      field,
      message: name === 'whitelistValidation' ? 'is not a known field' : message,
    }));
    return [...own, ...fieldErrors(children ?? [], field)];
  });
}

function missingAlternatives(metatype: Type, value: object): FieldError[] {
  const fields = (Reflect.getMetadata(AT_LEAST_ONE, metatype) as string[] | undefined) ?? [];
  if (fields.length === 0 || fields.some((field) => Object.hasOwn(value, field))) return [];
  return [{ field: 'body', message: `must have at least one of ${fields.join(', ')}` }];
}

/** Nest's pipe, configured to report every invalid or unknown field of a body or query in a problem document. */
@Injectable()
export class RequestValidationPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      // `fieldErrors` uses the target to tell a list from an object.
      validationError: { target: true, value: false },
      exceptionFactory: (errors) => new ValidationFailedError(fieldErrors(errors)),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype, type } = metadata;
    if ((type !== 'body' && type !== 'query') || metatype === undefined) return value;
    // A request without a body counts as an empty object.
    const given = (value ?? {}) as object;
    const found = [...untrustedInput(given), ...missingAlternatives(metatype, given)];
    try {
      const result: unknown = await super.transform(given, metadata);
      if (found.length === 0) return result;
    } catch (error) {
      if (!(error instanceof ValidationFailedError)) throw error;
      const named = new Set(found.map(({ field }) => field));
      found.push(...error.details.errors!.filter(({ field }) => !named.has(field)));
    }
    throw new ValidationFailedError(found);
  }
}
