import { isDeepStrictEqual } from 'node:util';
import type { Changes } from './audit-log.entity.js';

type Values = Readonly<Record<string, unknown>>;

/**
 * The fields that differ, as an audit row holds them.
 *
 * @param before null for a record that is created
 * @param after null for a record that is deleted
 */
export function changesBetween(
  before: Values | null,
  after: Values | null,
  fields: readonly string[],
): Changes {
  const changes: Changes = {};
  for (const field of fields) {
    const from = before?.[field] ?? null;
    const to = after?.[field] ?? null;
    if (!isDeepStrictEqual(from, to)) changes[field] = { from, to };
  }
  return changes;
}
