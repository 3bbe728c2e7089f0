import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';
import { canonicalEmail } from './canonical-email.js';

/** An e-mail address in a body, in its canonical form when it arrives. */
export const EmailField = () =>
  applyDecorators(
    ApiProperty({ type: String, format: 'email', maxLength: 254, example: 'ada@example.com' }),
    Transform(({ value }) => (typeof value === 'string' ? (canonicalEmail(value) ?? value) : value)),
    ValidateBy({
      name: 'isCanonicalEmail',
      validator: {
        validate: (value) => typeof value === 'string' && canonicalEmail(value) === value,
        defaultMessage: () => 'must be an e-mail address such as name@example.com, of at most 254 characters',
      },
    }),
  );
