import type { AuditEvent } from '../../src/audit/audit-event.js';
import type { Actor } from './actors.js';

interface AuditLogsPage {
  readonly skip: number;
  readonly limit: number;
  readonly total: number;
  readonly audit_logs: AuditEvent[];
}

/** What the admin is shown for these filters. */
export async function auditLogs(
  admin: Actor,
  query: Record<string, string | number> = {},
): Promise<AuditLogsPage> {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  );
  const { body } = await admin.get(`/v1/admin/audit-logs?${parameters}`).expect(200);
  return body as AuditLogsPage;
}

/** The rows that `act` left, newest first: all of them, whoever they are about. */
export async function rowsLeftBy(admin: Actor, act: () => PromiseLike<unknown>): Promise<AuditEvent[]> {
  const before = (await auditLogs(admin, { limit: 1 })).audit_logs[0]!.id;
  await act();
  return (await auditLogs(admin, { limit: 100 })).audit_logs.filter(({ id }) => id > before);
}
