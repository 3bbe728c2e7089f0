import { ApiProperty } from '@nestjs/swagger';
import { ApiStatusOk } from '../../../common/openapi/api-fields.js';
import { HasLength } from '../../../common/validation/fields.js';
import { EmailField } from '../../../users/email-field.decorator.js';
import { NewPasswordField } from '../../passwords/password-fields.js';

const MAXIMUM_TOKEN = 256;

export class ForgotPasswordDto {
  @EmailField()
  readonly email!: string;
}

export class ResetPasswordDto {
  @ApiProperty({
    type: String,
    minLength: 1,
    maxLength: MAXIMUM_TOKEN,
    pattern: '^[^\\u0000]*$',
    description: 'The part of the link after `#token=`.',
    example: 'WmFVoZsCp0mE4XK1hXQJ3A.c2lnbmF0dXJlLW9mLXRoZS1leGFtcGxlLXRva2VuLTE',
  })
  @HasLength(1, MAXIMUM_TOKEN)
  readonly token!: string;

  @NewPasswordField()
  readonly new_password!: string;
}

export class AcceptedResponse {
  @ApiStatusOk()
  readonly status!: 'ok';
}
