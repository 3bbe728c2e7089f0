import { isIP } from 'node:net';
import { Injectable, Logger } from '@nestjs/common';
import type { Page } from '../common/pagination/page.query.js';
import { requestContext } from '../common/http/request-context.js';
import { tracing } from '../common/observability/tracing/tracing.js';
import { UnitOfWork } from '../database/unit-of-work.js';
import { AuditDelivery } from './audit-delivery.js';
import type { AuditLog, Changes } from './audit-log.entity.js';
import { type AuditFilter, AuditRepository, type NewAuditLog } from './audit.repository.js';

/** The user who acts. The id is null when a login failed. */
export interface Actor {
  readonly id: number | null;
  readonly email: string | null;
}

export const AUDIT_ACTIONS = [
  'auth.login_failed',
  'auth.login_succeeded',
  'auth.login_throttled',
  'auth.password_change_failed',
  'auth.password_changed',
  'auth.password_reset',
  'auth.password_reset_requested',
  'auth.reauthentication_failed',
  'auth.refresh_token_reused',
  'auth.session_ended',
  'auth.token_created',
  'auth.token_revoked',
  'user.disabled',
  'user.email_changed',
  'user.enabled',
  'user.invited',
  'user.password_reset_created',
  'user.erased',
  'user.registered',
  'user.role_changed',
  'watchlist.trash_emptied',
  'watchlist_item.created',
  'watchlist_item.deleted',
  'watchlist_item.purged',
  'watchlist_item.restored',
  'watchlist_item.updated',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export const RESOURCE_TYPES = ['user', 'watchlist', 'watchlist_item'] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

export interface AuditEntry {
  readonly actor: Actor;
  readonly action: AuditAction;
  readonly resourceType: ResourceType;
  readonly resourceId: number | null;
  readonly changes: Changes;
}

/** Removes a zone, which is only valid on the proxy's host. Returns null for other texts, such as `unknown`. */
function validAddress(text: string): string | null {
  const address = text.split('%', 1)[0]!;
  return isIP(address) === 0 ? null : address;
}

@Injectable()
export class AuditService {
  private readonly logger = new Logger('Audit');

  constructor(
    private readonly logs: AuditRepository,
    private readonly delivery: AuditDelivery,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  /** Inserts the row in the caller's transaction, so that a change and its audit row are committed together. */
  async recordAudit({ actor, action, resourceType, resourceId, changes }: AuditEntry): Promise<void> {
    const context = requestContext.get();
    await this.unitOfWork.write(async () => {
      const row = {
        actorId: actor.id,
        actorEmail: actor.email,
        action,
        resourceType,
        resourceId,
        changes,
        requestId: context?.requestId ?? null,
        address: context === undefined ? null : validAddress(context.address),
        deliveryAttempts: 0,
        traceparent: (this.delivery.enabled && tracing()?.spans.traceparent()) || null,
      };
      // Not awaited, so that it shares a round trip with COMMIT on PostgreSQL. COMMIT fails if the insert fails.
      const inserted = this.logs.insert(row, this.delivery.enabled);
      inserted.catch(() => undefined);
      this.unitOfWork.afterCommit(() => void inserted.then((id) => this.publishAfterCommit(id, row)));
    });
  }

  /** Removes the user's e-mail addresses from every row. The rows of their actions stay. */
  anonymize(user: { readonly id: number; readonly email: string }): Promise<void> {
    return this.unitOfWork.write(async () => {
      const emails = await this.logs.eraseEmailsInChanges(user.id);
      await this.logs.eraseActorEmail(user.id, [...new Set([user.email, ...emails])]);
    });
  }

  findPage(filter: AuditFilter): Promise<Page<AuditLog>> {
    return this.logs.findPage(filter);
  }

  /** Logs and delivers after the response, so that neither delays it. The log contains ids, but no e-mail addresses. */
  private publishAfterCommit(id: number, row: NewAuditLog): void {
    setImmediate(() => {
      this.logger.log({
        msg: 'audit',
        audit_id: id,
        action: row.action,
        actor_id: row.actorId,
        resource_type: row.resourceType,
        resource_id: row.resourceId,
        request_id: row.requestId,
      });
      this.delivery.wake();
    });
  }
}
