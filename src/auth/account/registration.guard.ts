import { type CanActivate, Inject, Injectable } from '@nestjs/common';
import { ENV, type Env } from '../../config/env.js';
import { RegistrationClosedError } from '../access/auth.errors.js';

/** A guard, so that closed registration gets the same response for a valid and an invalid body. */
@Injectable()
export class RegistrationGuard implements CanActivate {
  constructor(@Inject(ENV) private readonly env: Env) {}

  canActivate(): true {
    if (this.env.REGISTRATION === 'closed') throw new RegistrationClosedError();
    return true;
  }
}
