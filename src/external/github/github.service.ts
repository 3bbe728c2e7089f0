import { Injectable } from '@nestjs/common';
import { GithubStatusResponse } from './dto/github-status.response.js';
import { GithubClient } from './github.client.js';

/** An anonymous caller has 60 requests an hour with GitHub; at one a minute we stay within them. */
const KEEP_MS = 60_000;

@Injectable()
export class ExternalService {
  private kept?: { readonly status: GithubStatusResponse; readonly until: number };
  private flight?: Promise<GithubStatusResponse>;

  constructor(private readonly github: GithubClient) {}

  /** At most {@link KEEP_MS} old. Only answers are kept: after a failure the next caller asks again. */
  async getGithubStatus(): Promise<GithubStatusResponse> {
    if (this.kept && performance.now() < this.kept.until) return this.kept.status;
    // Whoever comes while the question is out waits for the same answer, or the same error.
    this.flight ??= this.fetchGithubStatus().finally(() => (this.flight = undefined));
    return this.flight;
  }

  private async fetchGithubStatus(): Promise<GithubStatusResponse> {
    const status = GithubStatusResponse.from(await this.github.fetchRoot());
    this.kept = { status, until: performance.now() + KEEP_MS };
    return status;
  }
}
