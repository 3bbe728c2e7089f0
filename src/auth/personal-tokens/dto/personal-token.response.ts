import { ApiProperty } from '@nestjs/swagger';
import { ApiId, ApiInstant } from '../../../common/openapi/api-fields.js';
import { MAXIMUM_TOKENS, type StoredToken } from '../personal-tokens.service.js';
import { type Scope, SCOPES } from '../../access/scopes.js';
import { TOKEN_PATTERN } from '../token-format.js';

const instantOrNull = {
  type: String,
  format: 'date-time',
  nullable: true,
  minLength: 24,
  maxLength: 24,
  example: '2027-02-21T08:30:00.000Z',
};

export class PersonalTokenResponse {
  @ApiId()
  readonly id!: number;

  @ApiProperty({
    type: String,
    maxLength: 100,
    pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]*$',
    example: 'Backup script',
  })
  readonly name!: string;

  @ApiProperty({
    type: String,
    enum: SCOPES,
    isArray: true,
    maxItems: SCOPES.length,
    example: ['items:read', 'items:write'],
  })
  readonly scopes!: Scope[];

  @ApiInstant()
  readonly created_at!: string;

  @ApiProperty({ ...instantOrNull, description: 'Null for a token that is valid until you revoke it.' })
  readonly expires_at!: string | null;

  @ApiProperty({ ...instantOrNull, description: 'Updated within seconds of the use.' })
  readonly last_used_at!: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    maxLength: 45,
    pattern: '^[0-9A-Fa-f.:%a-z]+$',
    description: 'The client address of the last use.',
    example: '203.0.113.7',
  })
  readonly last_address!: string | null;

  static from(token: StoredToken): PersonalTokenResponse {
    return {
      id: token.id,
      name: token.name,
      scopes: token.scopes,
      created_at: token.createdAt.toISOString(),
      expires_at: token.expiresAt?.toISOString() ?? null,
      last_used_at: token.lastUsedAt?.toISOString() ?? null,
      last_address: token.lastAddress,
    };
  }
}

export class NewPersonalTokenResponse extends PersonalTokenResponse {
  @ApiProperty({
    type: String,
    pattern: TOKEN_PATTERN.source,
    maxLength: 39,
    description: 'Returned only once, because the server stores only its hash.',
    example: 'wl_0000000000000000000000000000002C8GjS',
  })
  readonly token!: string;

  static fromNew(token: string, stored: StoredToken): NewPersonalTokenResponse {
    return { ...PersonalTokenResponse.from(stored), token };
  }
}

export class PersonalTokensResponse {
  @ApiProperty({ type: [PersonalTokenResponse], maxItems: MAXIMUM_TOKENS })
  readonly tokens!: PersonalTokenResponse[];

  static from(tokens: readonly StoredToken[]): PersonalTokensResponse {
    return { tokens: tokens.map((token) => PersonalTokenResponse.from(token)) };
  }
}
