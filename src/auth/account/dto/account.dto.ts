import { EmailField } from '../../../users/email-field.decorator.js';
import { IsCurrentPassword } from '../../dto/credentials.dto.js';

export class ChangeEmailDto {
  @EmailField()
  readonly email!: string;

  @IsCurrentPassword()
  readonly current_password!: string;
}

export class EraseAccountDto {
  @IsCurrentPassword()
  readonly current_password!: string;
}
