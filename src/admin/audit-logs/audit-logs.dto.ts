import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ValidateBy } from 'class-validator';
import type { AuditLog, Changes } from '../../audit/audit-log.entity.js';
import { toAuditEvent, type AuditEvent } from '../../audit/audit-event.js';
import {
  AUDIT_ACTIONS,
  type AuditAction,
  RESOURCE_TYPES,
  type ResourceType,
} from '../../audit/audit.service.js';
import { ApiId, ApiInstant } from '../../common/openapi/api-fields.js';
import { type Page, PageQuery } from '../../common/pagination/page.query.js';
import { PageResponse } from '../../common/pagination/page.response.js';
import { IsOmittable, IsOneOf, MAXIMUM_ID, QueryInteger } from '../../common/validation/fields.js';
import { ITEM_FIELDS } from '../../watchlists/items/item-fields.js';
import { parseInstant } from '../../common/validation/parse-instant.js';

const IsInstant = () =>
  ValidateBy({
    name: 'isInstant',
    validator: {
      validate: (value) => value instanceof Date,
      defaultMessage: () =>
        'must be a time such as 2026-11-23T08:30:00Z or 2026-11-23T08:30:00.123+01:00, given once',
    },
  });

const QueryInstant = (description: string) =>
  applyDecorators(
    ApiPropertyOptional({ type: String, format: 'date-time', maxLength: 35, description }),
    IsOmittable(),
    Transform(({ value }) => (typeof value === 'string' ? (parseInstant(value) ?? value) : value)),
    IsInstant(),
  );

export class AuditLogsQuery extends PageQuery {
  @QueryInteger({ minimum: 1, description: 'Who did it.' })
  readonly actor_id?: number;

  @ApiPropertyOptional({ type: String, enum: AUDIT_ACTIONS })
  @IsOmittable()
  @IsOneOf(AUDIT_ACTIONS)
  readonly action?: AuditAction;

  @ApiPropertyOptional({ type: String, enum: RESOURCE_TYPES })
  @IsOmittable()
  @IsOneOf(RESOURCE_TYPES)
  readonly resource_type?: ResourceType;

  @QueryInteger({ minimum: 1, description: 'What it was done to.' })
  readonly resource_id?: number;

  @QueryInstant('Not before this time, such as `2026-11-23T08:30:00Z`.')
  readonly from?: Date;

  @QueryInstant('Before this time, such as `2026-11-23T09:30:00+01:00`.')
  readonly to?: Date;
}

const idOrNull = {
  type: 'integer',
  format: 'int32',
  minimum: 1,
  maximum: MAXIMUM_ID,
  nullable: true,
} as const;

const TEXT = { type: 'string', maxLength: 5000, pattern: '^[^\\u0000]*$' };

/** Any value that a field can have, within bounds that hold for every field. Null: the field is not set. */
const ANY_VALUE = {
  anyOf: [
    { ...TEXT, nullable: true },
    { type: 'number', minimum: -MAXIMUM_ID, maximum: MAXIMUM_ID, nullable: true },
    { type: 'boolean', nullable: true },
    { type: 'array', maxItems: 100, items: TEXT },
    { type: 'object', maxProperties: 100 },
  ],
};

export class FieldChange {
  @ApiProperty({ ...ANY_VALUE, example: null })
  readonly from!: unknown;

  @ApiProperty({ ...ANY_VALUE, example: 'Parasite' })
  readonly to!: unknown;
}

/** Audited fields that no item has. `session` and `token_id` are ids; `scopes` are separated by spaces; `trash` is a number of items. */
const OTHER_FIELDS = ['email', 'role', 'disabled', 'session', 'token_id', 'name', 'scopes', 'trash'];

/** The fields that changed, by name. */
export class ChangesResponse {
  readonly [field: string]: FieldChange | undefined;
}
for (const field of [...Object.keys(ITEM_FIELDS), ...OTHER_FIELDS])
  ApiPropertyOptional({ type: FieldChange })(ChangesResponse.prototype, field);

export class AuditLogResponse implements AuditEvent {
  @ApiId()
  readonly id!: number;

  @ApiInstant()
  readonly occurred_at!: string;

  @ApiProperty({ ...idOrNull, example: 1 })
  readonly actor_id!: number | null;

  @ApiProperty({ type: String, format: 'email', maxLength: 254, nullable: true, example: 'ada@example.com' })
  readonly actor_email!: string | null;

  @ApiProperty({ type: String, enum: AUDIT_ACTIONS, example: 'watchlist_item.created' })
  readonly action!: string;

  @ApiProperty({ type: String, enum: RESOURCE_TYPES, example: 'watchlist_item' })
  readonly resource_type!: string;

  @ApiProperty({ ...idOrNull, example: 1 })
  readonly resource_id!: number | null;

  @ApiProperty({
    type: ChangesResponse,
    example: { title: { from: null, to: 'Parasite' }, type: { from: null, to: 'movie' } },
  })
  readonly changes!: Changes;

  @ApiProperty({
    type: String,
    maxLength: 128,
    pattern: '^[A-Za-z0-9._-]{1,128}$',
    nullable: true,
    example: 'b0c7c9b0-7f0f-4c4a-9f5e-2f7d3a1c9e10',
  })
  readonly request_id!: string | null;

  @ApiProperty({
    type: String,
    maxLength: 45,
    pattern: '^[0-9A-Fa-f.:%a-z]+$',
    nullable: true,
    example: '203.0.113.7',
  })
  readonly address!: string | null;
}

export class AuditLogsResponse extends PageResponse {
  @ApiProperty({ type: [AuditLogResponse], maxItems: 100 })
  readonly audit_logs!: AuditLogResponse[];

  static from({ skip, limit }: AuditLogsQuery, { rows, total }: Page<AuditLog>): AuditLogsResponse {
    return { skip, limit, total, audit_logs: rows.map(toAuditEvent) };
  }
}
