import { ApiProperty } from '@nestjs/swagger';
import { ApiInstant } from '../../../common/openapi/api-fields.js';
import { MAXIMUM_SESSIONS, SESSION_ID, type StoredSession } from '../sessions.service.js';

export class SessionResponse {
  @ApiProperty({ type: String, pattern: SESSION_ID.source, maxLength: 22, example: 'WmFVoZsCp0mE4XK1hXQJ3A' })
  readonly id!: string;

  @ApiProperty({ type: Boolean, description: 'True for the session of this request.', example: true })
  readonly current!: boolean;

  @ApiProperty({
    type: String,
    nullable: true,
    maxLength: 255,
    pattern: '^[^\\u0000-\\u001F\\u007F-\\u009F]*$',
    description: "The client's `User-Agent`.",
    example: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  })
  readonly device!: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    maxLength: 45,
    pattern: '^[0-9A-Fa-f.:%a-z]+$',
    example: '203.0.113.7',
  })
  readonly address!: string | null;

  @ApiInstant()
  readonly created_at!: string;

  @ApiInstant()
  readonly last_used_at!: string;

  @ApiInstant()
  readonly expires_at!: string;

  static from(session: StoredSession, currentId: string): SessionResponse {
    return {
      id: session.id,
      current: session.id === currentId,
      device: session.device,
      address: session.address,
      created_at: session.createdAt.toISOString(),
      last_used_at: session.lastUsedAt.toISOString(),
      expires_at: session.expiresAt.toISOString(),
    };
  }
}

export class SessionsResponse {
  @ApiProperty({ type: [SessionResponse], maxItems: MAXIMUM_SESSIONS })
  readonly sessions!: SessionResponse[];

  static from(sessions: readonly StoredSession[], currentId: string): SessionsResponse {
    return { sessions: sessions.map((session) => SessionResponse.from(session, currentId)) };
  }
}
