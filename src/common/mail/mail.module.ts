import { Module } from '@nestjs/common';
import { Mailer, MAILER_DEFAULTS, MAILER_OPTIONS } from './mailer.js';

@Module({
  providers: [Mailer, { provide: MAILER_OPTIONS, useValue: MAILER_DEFAULTS }],
  exports: [Mailer],
})
export class MailModule {}
