import { Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { PassportModule } from '@nestjs/passport';
import { AuditModule } from '../audit/audit.module.js';
import { ENV, type Env } from '../config/env.js';
import { UsersModule } from '../users/users.module.js';
import { AccessTokens } from './access-token.js';
import { AuthController } from './auth.controller.js';
import { AuthService } from './auth.service.js';
import { FirstAdmin } from './first-admin.js';
import { JwtStrategy } from './jwt.strategy.js';
import { PasswordHasher } from './password-hasher.js';
import { Principals } from './principals.js';
import { VerifiedTokens } from './verified-tokens.js';

@Module({
  imports: [
    AuditModule,
    UsersModule,
    PassportModule.register({ session: false }),
    JwtModule.registerAsync({
      inject: [ENV],
      useFactory: (env: Env) => ({ privateKey: env.JWT_KEY as never }),
    }),
  ],
  controllers: [AuthController],
  providers: [AuthService, AccessTokens, FirstAdmin, JwtStrategy, PasswordHasher, Principals, VerifiedTokens],
  exports: [JwtStrategy, Principals, VerifiedTokens],
})
export class AuthModule {}
