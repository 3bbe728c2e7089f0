import type { AuditLog, Changes } from './audit-log.entity.js';

/** The fields of an audit row that admins and the webhook receive. */
export interface AuditEvent {
  readonly id: number;
  readonly occurred_at: string;
  readonly actor_id: number | null;
  readonly actor_email: string | null;
  readonly action: string;
  readonly resource_type: string;
  readonly resource_id: number | null;
  readonly changes: Changes;
  readonly request_id: string | null;
  readonly address: string | null;
}

export function toAuditEvent(row: AuditLog): AuditEvent {
  return {
    id: row.id,
    occurred_at: row.occurredAt.toISOString(),
    actor_id: row.actorId,
    actor_email: row.actorEmail,
    action: row.action,
    resource_type: row.resourceType,
    resource_id: row.resourceId,
    changes: row.changes,
    request_id: row.requestId,
    address: row.address,
  };
}
