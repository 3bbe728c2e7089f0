import type { AuditLog } from '../../api/types.js';

/** Each field as it was, and as it has become; what was or is not there has a dash. */
export function Changes({ changes }: { readonly changes: AuditLog['changes'] }) {
  const entries = Object.entries(changes) as [string, { from: unknown; to: unknown }][];
  if (entries.length === 0) return <>–</>;
  return (
    <ul className="changes">
      {entries.map(([field, { from, to }]) => (
        <li key={field} className="breakable">
          <span className="hint">{field}:</span> {inWords(from)} <span aria-hidden="true">→</span>
          <span className="visually-hidden">has become</span> {inWords(to)}
        </li>
      ))}
    </ul>
  );
}

function inWords(value: unknown): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'string' ? `“${value}”` : JSON.stringify(value);
}
