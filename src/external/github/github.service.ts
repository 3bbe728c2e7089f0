import { Injectable } from '@nestjs/common';
import { GithubStatusResponse } from './dto/github-status.response.js';
import { GithubClient } from './github.client.js';

/** GitHub allows 60 anonymous requests per hour, so one per minute stays within the limit. */
const MAX_AGE_MS = 60_000;

@Injectable()
export class ExternalService {
  private cached?: { readonly status: GithubStatusResponse; readonly until: number };
  private pending?: Promise<GithubStatusResponse>;

  constructor(private readonly github: GithubClient) {}

  /** At most {@link MAX_AGE_MS} old. Failures are not cached, so the next request calls GitHub again. */
  async getGithubStatus(): Promise<GithubStatusResponse> {
    if (this.cached && performance.now() < this.cached.until) return this.cached.status;
    // Concurrent requests share one call, and its error.
    this.pending ??= this.fetchGithubStatus().finally(() => (this.pending = undefined));
    return this.pending;
  }

  private async fetchGithubStatus(): Promise<GithubStatusResponse> {
    const status = GithubStatusResponse.from(await this.github.fetchRoot());
    this.cached = { status, until: performance.now() + MAX_AGE_MS };
    return status;
  }
}
