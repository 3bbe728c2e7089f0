import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { ExternalController } from './github/github.controller.js';
import { ExternalService } from './github/github.service.js';
import { GITHUB_CLIENT_DEFAULTS, GITHUB_CLIENT_OPTIONS, GithubClient } from './github/github.client.js';

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
