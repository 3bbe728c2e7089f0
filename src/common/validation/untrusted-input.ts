import { ValidationFailedError } from '../errors/common.errors.js';
import type { FieldError } from '../errors/problem.error.js';

/** More than any body has. Validating thousands of unknown fields would take seconds. */
const MAXIMUM_FIELDS = 100;
/** More than any list in a body can have. */
const MAXIMUM_ELEMENTS = 1000;

/** The path of a nested field in messages: `operations[3].item.title`. */
export const nestedField = (parent: string, name: string, isElement: boolean) =>
  isElement ? `${parent}[${name}]` : parent === '' ? name : `${parent}.${name}`;

/**
 * Finds values, at any depth, that no validator, database or log should receive.
 *
 * @throws ValidationFailedError at once for an object or a list that is too large to validate
 */
export function untrustedInput(value: unknown, field = ''): FieldError[] {
  if (typeof value === 'string') return unstorableText(value, field);
  if (typeof value !== 'object' || value === null) return [];
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const maximum = isList ? MAXIMUM_ELEMENTS : MAXIMUM_FIELDS;
  if (entries.length > maximum) {
    const message = `must not have more than ${maximum} ${isList ? 'elements' : 'fields'}`;
    throw new ValidationFailedError([{ field: field || 'body', message }]);
  }
  return entries.flatMap(([name, nested]) => {
    const path = nestedField(field, name, isList);
    return isInherited(name)
      ? [{ field: path, message: 'is not a known field' }]
      : untrustedInput(nested, path);
  });
}

function unstorableText(text: string, field: string): FieldError[] {
  if (!text.isWellFormed())
    return [{ field, message: 'must be well-formed Unicode (a surrogate stands alone)' }];
  return text.includes('\0') ? [{ field, message: 'must not contain NUL' }] : [];
}

/**
 * Names such as `constructor` or `__proto__`. The validation libraries drop some of them and look the others up in
 * plain objects, where they find an inherited member and take the field for a known one.
 */
const isInherited = (name: string) => name in Object.prototype || name === 'prototype';
