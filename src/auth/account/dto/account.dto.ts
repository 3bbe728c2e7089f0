import { EmailField } from '../../../users/email-field.decorator.js';
import {
  CurrentPasswordField,
  FirstPasswordField,
  NewPasswordField,
} from '../../passwords/password-fields.js';

export class RegisterDto {
  @EmailField()
  readonly email!: string;

  @FirstPasswordField()
  readonly password!: string;
}

export class ChangePasswordDto {
  @CurrentPasswordField()
  readonly current_password!: string;

  @NewPasswordField()
  readonly new_password!: string;
}

export class ChangeEmailDto {
  @EmailField()
  readonly email!: string;

  @CurrentPasswordField()
  readonly current_password!: string;
}

export class EraseAccountDto {
  @CurrentPasswordField()
  readonly current_password!: string;
}
