import { ApiProperty } from '@nestjs/swagger';
import { ApiStatusOk } from '../../common/openapi/api-fields.js';

export class LivenessResponse {
  @ApiStatusOk()
  readonly status!: 'ok';
}

/** Why nothing may be sent here. */
const OBSTACLES = ['shutting_down', 'database_down'] as const;
export type Obstacle = (typeof OBSTACLES)[number];

export class ReadyResponse {
  @ApiProperty({ type: String, enum: ['ready'], example: 'ready' })
  readonly status!: 'ready';
}

export class NotReadyResponse {
  @ApiProperty({ type: String, enum: ['not_ready'], example: 'not_ready' })
  readonly status!: 'not_ready';

  @ApiProperty({ type: String, enum: OBSTACLES, example: 'database_down' })
  readonly reason!: Obstacle;
}

/** For programs that are made to be run against a server nobody depends on, such as `npm run demo`. */
export const ENVIRONMENT_HEADER = {
  description: 'Whether this server is for developing or testing. Not there in production.',
  schema: { type: 'string' as const, enum: ['development', 'test'], example: 'development' },
};

const DATABASE_STATES = ['ok', 'down'] as const;
const REDIS_STATES = ['ok', 'down', 'disabled'] as const;
const OVERALL_STATES = ['ok', 'degraded', 'down'] as const;

export class DependencyStates {
  @ApiProperty({ type: String, enum: DATABASE_STATES, example: 'ok' })
  readonly database!: (typeof DATABASE_STATES)[number];

  @ApiProperty({ type: String, enum: REDIS_STATES, example: 'ok' })
  readonly redis!: (typeof REDIS_STATES)[number];
}

export class DetailedHealthResponse {
  @ApiProperty({ type: String, enum: OVERALL_STATES, example: 'ok' })
  readonly status!: (typeof OVERALL_STATES)[number];

  @ApiProperty({ type: DependencyStates })
  readonly dependencies!: DependencyStates;

  /** Without its database the server is down; without Redis it only does some things less well. */
  static from(dependencies: DependencyStates): DetailedHealthResponse {
    if (dependencies.database === 'down') return { status: 'down', dependencies };
    return { status: dependencies.redis === 'down' ? 'degraded' : 'ok', dependencies };
  }
}
