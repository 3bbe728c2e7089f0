import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { PassportModule } from '@nestjs/passport';
import { AuditModule } from '../audit/audit.module.js';
import { ENV, type Env } from '../config/env.js';
import { PersonalTokensModule } from '../personal-tokens/personal-tokens.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccessTokens } from './access-token.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { FirstAdmin } from './first-admin.js';
import { JwtStrategy } from './jwt.strategy.js';
import { PasswordHasher } from './password-hasher.js';
import { PersonalTokensController } from './personal-tokens.controller.js';
import { Principals } from './principals.js';
import { RefreshCookie } from './refresh-cookie.js';
import { RefreshTokens } from './refresh-tokens.js';
import { SessionsController } from './sessions.controller.js';
import { VerifiedTokens } from './verified-tokens.js';

@Module({
  imports: [
    AuditModule,
    PersonalTokensModule,
    SessionsModule,
    UsersModule,
    PassportModule.register({ session: false }),
    JwtModule.registerAsync({
      inject: [ENV],
      useFactory: (env: Env) => ({ privateKey: env.JWT_KEYS[0].key as never }),
    }),
  ],
  controllers: [AuthController, SessionsController, PersonalTokensController],
  providers: [
    AuthService,
    AccessTokens,
    FirstAdmin,
    JwtStrategy,
    PasswordHasher,
    Principals,
    RefreshCookie,
    RefreshTokens,
    VerifiedTokens,
  ],
  exports: [JwtStrategy, Principals, VerifiedTokens],
})
export class AuthModule {}
