import { ApiProperty } from '@nestjs/swagger';
import { ApiStatusOk } from '../../common/openapi/api-fields.js';

export class LivenessResponse {
  @ApiStatusOk()
  readonly status!: 'ok';
}

const NOT_READY_REASONS = ['shutting_down', 'database_down'] as const;
export type NotReadyReason = (typeof NOT_READY_REASONS)[number];

export class ReadyResponse {
  @ApiProperty({ type: String, enum: ['ready'], example: 'ready' })
  readonly status!: 'ready';
}

export class NotReadyResponse {
  @ApiProperty({ type: String, enum: ['not_ready'], example: 'not_ready' })
  readonly status!: 'not_ready';

  @ApiProperty({ type: String, enum: NOT_READY_REASONS, example: 'database_down' })
  readonly reason!: NotReadyReason;
}

/** Programs such as `npm run demo` use it to refuse a production server. */
export const ENVIRONMENT_HEADER = {
  description: '`development` or `test`. Absent in production.',
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

  /** The server cannot work without its database. Without Redis it is only slower. */
  static from(dependencies: DependencyStates): DetailedHealthResponse {
    if (dependencies.database === 'down') return { status: 'down', dependencies };
    return { status: dependencies.redis === 'down' ? 'degraded' : 'ok', dependencies };
  }
}
