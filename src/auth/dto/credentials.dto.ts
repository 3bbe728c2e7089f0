import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy, type ValidationArguments } from 'class-validator';
import { HasLength } from '../../common/validation/fields.js';
import { EmailField } from '../../users/email-field.decorator.js';
import {
  GUESSABLE_RULE,
  isAcceptablePassword,
  isGuessable,
  PASSWORD_MAXIMUM,
  PASSWORD_MINIMUM,
  PASSWORD_RULE,
} from '../passwords/password-policy.js';
import { IsTransport, type Transport } from '../sessions/dto/session.dto.js';

/**
 * For a new password. An `email` of the same body is whose it is to be; where it is not in the body, the service looks
 * (`refuseGuessable`).
 */
const IsAcceptablePassword = () => (target: object, name: string) => {
  ValidateBy({
    name: 'isAcceptablePassword',
    validator: { validate: isAcceptablePassword, defaultMessage: () => PASSWORD_RULE },
  })(target, name);
  ValidateBy({
    name: 'isNotGuessable',
    validator: {
      // One message at a time: what is no password at all is not looked up.
      validate: async (value, args) =>
        !isAcceptablePassword(value) || !(await isGuessable(value as string, emailBeside(args!))),
      defaultMessage: () => GUESSABLE_RULE,
    },
  })(target, name);
};

function emailBeside({ object }: ValidationArguments): string | undefined {
  const { email } = object as { email?: unknown };
  return typeof email === 'string' ? email : undefined;
}

/** What is not text at all, or too long to be checked in reason, is refused; what is merely wrong gets a 401. */
const IsGivenPassword = () =>
  ValidateBy({
    name: 'isGivenPassword',
    validator: {
      validate: (value) =>
        typeof value === 'string' && value !== '' && [...value.normalize('NFC')].length <= PASSWORD_MAXIMUM,
      defaultMessage: () => `must be text of 1 to ${PASSWORD_MAXIMUM} characters`,
    },
  });

/** For who is signed in and asked for it again. */
export const IsCurrentPassword = () => (target: object, name: string) => {
  ApiProperty({
    type: String,
    format: 'password',
    minLength: 1,
    maxLength: PASSWORD_MAXIMUM,
    example: 'correct horse battery staple',
  })(target, name);
  IsGivenPassword()(target, name);
};

/** In the place of one that there is. */
export const NewPasswordField = () => (target: object, name: string) => {
  ApiProperty({
    type: String,
    format: 'password',
    minLength: PASSWORD_MINIMUM,
    maxLength: PASSWORD_MAXIMUM,
    description: 'As at registration.',
    example: 'nine lives of a paper cat',
  })(target, name);
  IsAcceptablePassword()(target, name);
};

export class RegisterDto {
  @EmailField()
  readonly email!: string;

  @ApiProperty({
    type: String,
    format: 'password',
    minLength: PASSWORD_MINIMUM,
    maxLength: PASSWORD_MAXIMUM,
    description:
      'Every character counts; compared after Unicode normalization (NFC). Not one of the most common passwords, nor the e-mail address.',
    example: 'correct horse battery staple',
  })
  @IsAcceptablePassword()
  readonly password!: string;
}

export class ChangePasswordDto {
  @IsCurrentPassword()
  readonly current_password!: string;

  @NewPasswordField()
  readonly new_password!: string;
}

export class LoginDto {
  @ApiProperty({ type: String, format: 'email', minLength: 1, maxLength: 16_384, example: 'ada@example.com' })
  @HasLength(1, 16_384)
  readonly email!: string;

  @ApiProperty({
    type: String,
    format: 'password',
    minLength: 1,
    maxLength: PASSWORD_MAXIMUM,
    example: 'correct horse battery staple',
  })
  @IsGivenPassword()
  readonly password!: string;

  @IsTransport()
  readonly transport?: Transport;
}
