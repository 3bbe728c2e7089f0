import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { PassportModule } from '@nestjs/passport';
import { AuditModule } from '../audit/audit.module.js';
import { MailModule } from '../common/mail/mail.module.js';
import { RateLimitModule } from '../common/rate-limit/rate-limit.module.js';
import { ENV, type Env } from '../config/env.js';
import { PersonalTokensModule } from '../personal-tokens/personal-tokens.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccessTokens } from './access-token.js';
import { AccountController } from './account.controller.js';
import { AccountService } from './account.service.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { FirstAdmin } from './first-admin.js';
import { JwtStrategy } from './jwt.strategy.js';
import { PasswordAttempts } from './password-attempts.js';
import { PasswordHasher } from './password-hasher.js';
import { PersonalTokensController } from './personal-tokens.controller.js';
import {
  PASSWORD_RESET_DELIVERY_DEFAULTS,
  PASSWORD_RESET_DELIVERY_OPTIONS,
  PasswordResetDelivery,
} from './password-reset-delivery.js';
import { PasswordResetTokens } from './password-reset-tokens.js';
import { PasswordResetsController } from './password-resets.controller.js';
import { PasswordResetsRepository } from './password-resets.repository.js';
import { PasswordResetsService } from './password-resets.service.js';
import { Principals } from './principals.js';
import { RefreshCookie } from './refresh-cookie.js';
import { RefreshTokens } from './refresh-tokens.js';
import { SessionsController } from './sessions.controller.js';
import { StillSignedIn } from './still-signed-in.js';
import { VerifiedTokens } from './verified-tokens.js';

@Module({
  imports: [
    AuditModule,
    PersonalTokensModule,
    MailModule,
    RateLimitModule,
    SessionsModule,
    UsersModule,
    PassportModule.register({ session: false }),
    JwtModule.registerAsync({
      inject: [ENV],
      useFactory: (env: Env) => ({ privateKey: env.JWT_KEYS[0].key as never }),
    }),
  ],
  controllers: [
    AuthController,
    AccountController,
    PasswordResetsController,
    SessionsController,
    PersonalTokensController,
  ],
  providers: [
    AuthService,
    AccountService,
    AccessTokens,
    FirstAdmin,
    JwtStrategy,
    PasswordAttempts,
    PasswordHasher,
    PasswordResetDelivery,
    PasswordResetTokens,
    PasswordResetsRepository,
    PasswordResetsService,
    Principals,
    RefreshCookie,
    RefreshTokens,
    StillSignedIn,
    VerifiedTokens,
    { provide: PASSWORD_RESET_DELIVERY_OPTIONS, useValue: PASSWORD_RESET_DELIVERY_DEFAULTS },
  ],
  exports: [JwtStrategy, PasswordResetsService, Principals, StillSignedIn, VerifiedTokens],
})
export class AuthModule {}
