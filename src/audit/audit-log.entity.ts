import { Column, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

export type Changes = Record<string, { from: unknown; to: unknown }>;

/** One audited action. It has no foreign keys, because it outlives the records that it names. */
@Entity('audit_logs')
@Index('ix_audit_logs_actor', ['actorId', 'id'])
@Index('ix_audit_logs_action', ['action', 'id'])
@Index('ix_audit_logs_resource', ['resourceType', 'resourceId', 'id'])
export class AuditLog {
  @PrimaryGeneratedColumn({ primaryKeyConstraintName: 'pk_audit_logs' })
  id!: number;

  @Index('ix_audit_logs_occurred_at')
  @Column({ name: 'occurred_at', type: Date, precision: 3 })
  occurredAt!: Date;

  @Column({ name: 'actor_id', type: Number, nullable: true })
  actorId!: number | null;

  /** Partial index: erasure must also find failed logins, which have no actor id. */
  @Index('ix_audit_logs_tried_email', { where: 'actor_id IS NULL' })
  @Column({ name: 'actor_email', type: String, length: 254, nullable: true })
  actorEmail!: string | null;

  @Column({ type: String, length: 60 })
  action!: string;

  @Column({ name: 'resource_type', type: String, length: 40 })
  resourceType!: string;

  @Column({ name: 'resource_id', type: Number, nullable: true })
  resourceId!: number | null;

  @Column({ type: 'simple-json' })
  changes!: Changes;

  /** Null for an action of the server itself, such as creating the first admin. */
  @Column({ name: 'request_id', type: String, length: 128, nullable: true })
  requestId!: string | null;

  @Column({ type: String, length: 45, nullable: true })
  address!: string | null;

  /** The time of the next delivery attempt; null when there is nothing to deliver. */
  @Index('ix_audit_logs_delivery_due_at')
  @Column({ name: 'delivery_due_at', type: Date, precision: 3, nullable: true })
  deliveryDueAt!: Date | null;

  @Column({ name: 'delivery_attempts', type: Number, default: 0 })
  deliveryAttempts!: number;

  /** The W3C `traceparent` of the request, so that the delivery joins its trace. */
  @Column({ type: String, length: 55, nullable: true })
  traceparent!: string | null;
}
