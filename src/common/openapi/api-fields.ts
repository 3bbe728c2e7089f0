import { ApiProperty } from '@nestjs/swagger';
import { MAXIMUM_ID } from '../validation/fields.js';

/** Properties that responses share, each with bounds for generated clients. */
export const ApiId = (example = 1) =>
  ApiProperty({ type: 'integer', format: 'int32', minimum: 1, maximum: MAXIMUM_ID, example });

export const ApiCount = (example = 42) =>
  ApiProperty({ type: 'integer', format: 'int32', minimum: 0, maximum: MAXIMUM_ID, example });

export const ApiEmail = () =>
  ApiProperty({ type: String, format: 'email', maxLength: 254, example: 'ada@example.com' });

export const ApiInstant = (options: { readonly required?: boolean; readonly description?: string } = {}) =>
  ApiProperty({
    ...options,
    type: String,
    format: 'date-time',
    minLength: 24,
    maxLength: 24,
    example: '2026-11-23T08:30:00.000Z',
  });

export const ApiStatusOk = () => ApiProperty({ type: String, enum: ['ok'], example: 'ok' });

export const ApiVersion = (description: string) =>
  ApiProperty({
    type: 'integer',
    format: 'int32',
    minimum: 0,
    maximum: MAXIMUM_ID,
    example: 41,
    description,
  });
