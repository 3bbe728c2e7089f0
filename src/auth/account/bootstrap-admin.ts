import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ENV, type Env } from '../../config/env.js';
import { InvalidEnvironmentError } from '../../config/errors.js';
import { canonicalEmail } from '../../users/canonical-email.js';
import { EmailTakenError } from '../../users/users.errors.js';
import { UsersService } from '../../users/users.service.js';
import {
  GUESSABLE_RULE,
  isAcceptablePassword,
  isGuessable,
  PASSWORD_RULE,
} from '../passwords/password-policy.js';
import { PasswordHasher } from '../passwords/password-hasher.js';

/** Creates the admin of `ADMIN_EMAIL` and `ADMIN_PASSWORD` once, at boot. Several instances can try at the same time. */
@Injectable()
export class BootstrapAdmin implements OnApplicationBootstrap {
  private readonly logger = new Logger(BootstrapAdmin.name);

  constructor(
    @Inject(ENV) private readonly env: Env,
    private readonly users: UsersService,
    private readonly passwords: PasswordHasher,
  ) {}

  /** @throws InvalidEnvironmentError */
  async onApplicationBootstrap(): Promise<void> {
    if (this.env.ADMIN_EMAIL === undefined || this.env.ADMIN_PASSWORD === undefined) return;
    const email = canonicalEmail(this.env.ADMIN_EMAIL);
    if (email === undefined) throw new InvalidEnvironmentError(['ADMIN_EMAIL must be an e-mail address']);
    if (!isAcceptablePassword(this.env.ADMIN_PASSWORD))
      throw new InvalidEnvironmentError([`ADMIN_PASSWORD ${PASSWORD_RULE}`]);
    if ((await this.users.findByEmail(email)) === null)
      await this.createAdmin(email, this.env.ADMIN_PASSWORD);
    const user = await this.users.findByEmail(email);
    if (user?.role !== 'admin')
      this.logger.warn('the user of ADMIN_EMAIL exists but is not an admin; nothing was changed');
  }

  /** @throws InvalidEnvironmentError for a password that is too easy to guess */
  private async createAdmin(email: string, password: string): Promise<void> {
    // Checked only here, because an unused variable must not keep the server from starting.
    if (await isGuessable(password, email))
      throw new InvalidEnvironmentError([`ADMIN_PASSWORD ${GUESSABLE_RULE}`]);
    try {
      await this.users.create(email, await this.passwords.hashPassword(password), 'admin');
      this.logger.log('created the first admin');
    } catch (error) {
      // Another instance created the admin first.
      if (!(error instanceof EmailTakenError)) throw error;
    }
  }
}
