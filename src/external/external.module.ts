import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { ExternalController } from './external.controller.js';
import { ExternalService } from './external.service.js';
import { GITHUB_CLIENT_DEFAULTS, GITHUB_CLIENT_OPTIONS, GithubClient } from './github.client.js';

@Module({
  imports: [HttpModule],
  controllers: [ExternalController],
  providers: [
    ExternalService,
    GithubClient,
    { provide: GITHUB_CLIENT_OPTIONS, useValue: GITHUB_CLIENT_DEFAULTS },
  ],
})
export class ExternalModule {}
