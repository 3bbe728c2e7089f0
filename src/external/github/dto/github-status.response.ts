import { ApiProperty } from '@nestjs/swagger';
import { type GithubRoot, HTTP_URL, HTTP_URL_MAX_LENGTH } from '../github.client.js';

const url = (description: string, example: string) =>
  ApiProperty({
    description,
    example,
    type: String,
    maxLength: HTTP_URL_MAX_LENGTH,
    pattern: HTTP_URL.source,
  });

export class GithubStatusResponse {
  @ApiProperty({ enum: ['ok'], example: 'ok', description: 'GitHub answered within the last minute.' })
  readonly github_api_status!: 'ok';

  @url('The URL of the signed-in user at GitHub.', 'https://api.github.com/user')
  readonly current_user_url!: string;

  @url('The URL of the remaining quota at GitHub.', 'https://api.github.com/rate_limit')
  readonly rate_limit_url!: string;

  static from(root: GithubRoot): GithubStatusResponse {
    return {
      github_api_status: 'ok',
      current_user_url: root.current_user_url,
      rate_limit_url: root.rate_limit_url,
    };
  }
}
