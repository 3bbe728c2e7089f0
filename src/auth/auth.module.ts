import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { PassportModule } from '@nestjs/passport';
import { AuditModule } from '../audit/audit.module.js';
import { MailModule } from '../common/mail/mail.module.js';
import { RateLimitModule } from '../common/rate-limit/rate-limit.module.js';
import { ENV, type Env } from '../config/env.js';
import { PersonalTokensModule } from './personal-tokens/personal-tokens.module.js';
import { SessionsModule } from './sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccessTokens } from './sign-in/access-token.service.js';
import { AccountController } from './account/account.controller.js';
import { AccountService } from './account/account.service.js';
import { BootstrapAdmin } from './account/bootstrap-admin.js';
import { JwtStrategy } from './guards/jwt.strategy.js';
import { LoginAttempts } from './passwords/login-attempts.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import {
  PASSWORD_RESET_DELIVERY_DEFAULTS,
  PASSWORD_RESET_DELIVERY_OPTIONS,
  PasswordResetDelivery,
} from './password-resets/password-reset-delivery.js';
import { PasswordResetTokens } from './password-resets/password-reset-tokens.js';
import { PasswordResetsController } from './password-resets/password-resets.controller.js';
import { PasswordResetsRepository } from './password-resets/password-resets.repository.js';
import { PasswordResetsService } from './password-resets/password-resets.service.js';
import { PrincipalResolver } from './guards/principal-resolver.js';
import { RefreshCookie } from './sign-in/refresh-cookie.js';
import { RefreshTokens } from './sign-in/refresh-tokens.js';
import { SignInController } from './sign-in/sign-in.controller.js';
import { SignInService } from './sign-in/sign-in.service.js';
import { VerifiedTokens } from './guards/verified-tokens.js';

@Module({
  imports: [
    AuditModule,
    PersonalTokensModule,
    MailModule,
    RateLimitModule,
    SessionsModule,
    UsersModule,
    PassportModule,
    JwtModule.registerAsync({
      inject: [ENV],
      useFactory: (env: Env) => ({ secret: env.JWT_KEYS[0].key }),
    }),
  ],
  controllers: [SignInController, AccountController, PasswordResetsController],
  providers: [
    SignInService,
    AccountService,
    AccessTokens,
    BootstrapAdmin,
    JwtStrategy,
    LoginAttempts,
    PasswordHasher,
    PasswordResetDelivery,
    PasswordResetTokens,
    PasswordResetsRepository,
    PasswordResetsService,
    PrincipalResolver,
    RefreshCookie,
    RefreshTokens,
    VerifiedTokens,
    { provide: PASSWORD_RESET_DELIVERY_OPTIONS, useValue: PASSWORD_RESET_DELIVERY_DEFAULTS },
  ],
  exports: [PasswordResetsService, PrincipalResolver, SessionsModule, VerifiedTokens],
})
export class AuthModule {}
