import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy, type ValidationArguments } from 'class-validator';
import {
  GUESSABLE_RULE,
  isAcceptablePassword,
  isGuessable,
  PASSWORD_MAXIMUM,
  PASSWORD_MINIMUM,
  PASSWORD_RULE,
} from './password-policy.js';

/** Compares with an `email` in the same body. Without one, the service must call `refuseGuessable`. */
const IsAcceptablePassword = () =>
  applyDecorators(
    ValidateBy({
      name: 'isAcceptablePassword',
      validator: { validate: isAcceptablePassword, defaultMessage: () => PASSWORD_RULE },
    }),
    ValidateBy({
      name: 'isNotGuessable',
      validator: {
        // Checks only an acceptable password, so that the client gets one message at a time.
        validate: async (value, args) =>
          !isAcceptablePassword(value) || !(await isGuessable(value as string, emailInSameBody(args!))),
        defaultMessage: () => GUESSABLE_RULE,
      },
    }),
  );

function emailInSameBody({ object }: ValidationArguments): string | undefined {
  const { email } = object as { email?: unknown };
  return typeof email === 'string' ? email : undefined;
}

/** Refuses only values that cannot be checked: no text, or too long. A wrong password gets a 401 instead. */
const IsGivenPassword = () =>
  ValidateBy({
    name: 'isGivenPassword',
    validator: {
      validate: (value) =>
        typeof value === 'string' &&
        value !== '' &&
        // Limits the length first, because normalizing a very long text takes minutes.
        value.length <= 4 * PASSWORD_MAXIMUM &&
        [...value.normalize('NFC')].length <= PASSWORD_MAXIMUM,
      defaultMessage: () => `must be text of 1 to ${PASSWORD_MAXIMUM} characters`,
    },
  });

/** The password that a user has now: at sign-in, and when they confirm a change. */
export const CurrentPasswordField = () =>
  applyDecorators(
    ApiProperty({
      type: String,
      format: 'password',
      minLength: 1,
      maxLength: PASSWORD_MAXIMUM,
      example: 'correct horse battery staple',
    }),
    IsGivenPassword(),
  );

/** The first password of a new account. */
export const FirstPasswordField = () =>
  applyDecorators(
    ApiProperty({
      type: String,
      format: 'password',
      minLength: PASSWORD_MINIMUM,
      maxLength: PASSWORD_MAXIMUM,
      description:
        'Every character counts. The server compares passwords after Unicode normalization (NFC). It refuses the most common passwords and the e-mail address.',
      example: 'correct horse battery staple',
    }),
    IsAcceptablePassword(),
  );

/** A password that replaces another one. */
export const NewPasswordField = () =>
  applyDecorators(
    ApiProperty({
      type: String,
      format: 'password',
      minLength: PASSWORD_MINIMUM,
      maxLength: PASSWORD_MAXIMUM,
      description: 'The same rules as at registration.',
      example: 'nine lives of a paper cat',
    }),
    IsAcceptablePassword(),
  );
