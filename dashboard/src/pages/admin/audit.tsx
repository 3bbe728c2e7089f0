import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import type { AuditLog } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { CopyButton } from '../../ui/copy-button.js';
import { Field } from '../../ui/field.js';
import { useTitle } from '../../ui/title.js';
import { Changes } from './changes.js';
import { DataTable, type TableColumn } from './data-table.js';
import { FilterField } from './filter-field.js';
import { type Filters, LIMIT, useFilters } from './filters.js';
import { instantOf, localTimeOf } from './local-time.js';
import { PageOf } from './page-of.js';
import { When } from '../../ui/when.js';

type Action = AuditLog['action'];
type Resource = AuditLog['resource_type'];

/** As the log has them. One that is missing here does not compile. */
const ACTION_OPTIONS: Readonly<Record<Action | '', string>> = {
  '': 'All',
  'auth.login_failed': 'auth.login_failed',
  'auth.login_succeeded': 'auth.login_succeeded',
  'auth.login_throttled': 'auth.login_throttled',
  'auth.password_change_failed': 'auth.password_change_failed',
  'auth.password_changed': 'auth.password_changed',
  'auth.password_reset': 'auth.password_reset',
  'auth.password_reset_requested': 'auth.password_reset_requested',
  'auth.reauthentication_failed': 'auth.reauthentication_failed',
  'auth.refresh_token_reused': 'auth.refresh_token_reused',
  'auth.session_ended': 'auth.session_ended',
  'auth.token_created': 'auth.token_created',
  'auth.token_revoked': 'auth.token_revoked',
  'user.disabled': 'user.disabled',
  'user.email_changed': 'user.email_changed',
  'user.enabled': 'user.enabled',
  'user.erased': 'user.erased',
  'user.invited': 'user.invited',
  'user.password_reset_created': 'user.password_reset_created',
  'user.registered': 'user.registered',
  'user.role_changed': 'user.role_changed',
  'watchlist.trash_emptied': 'watchlist.trash_emptied',
  'watchlist_item.created': 'watchlist_item.created',
  'watchlist_item.deleted': 'watchlist_item.deleted',
  'watchlist_item.purged': 'watchlist_item.purged',
  'watchlist_item.restored': 'watchlist_item.restored',
  'watchlist_item.updated': 'watchlist_item.updated',
};

const RESOURCE_OPTIONS: Readonly<Record<Resource | '', string>> = {
  '': 'All',
  user: 'user',
  watchlist: 'watchlist',
  watchlist_item: 'watchlist_item',
};

const NAMES = ['actor_id', 'action', 'resource_type', 'resource_id', 'from', 'to'] as const;

export function AuditPage() {
  useTitle('Audit log');
  const filters = useFilters();
  const asked = Object.fromEntries(NAMES.map((name) => [name, filters.get(name)]));
  const query = useQuery({
    queryKey: ['admin', 'audit', asked, filters.skip],
    queryFn: () =>
      answerOf(
        api.GET('/v1/admin/audit-logs', {
          // As the address has them: what is no number or no time is for the server to refuse.
          params: { query: { ...(asked as object), skip: filters.skip, limit: LIMIT } },
        }),
      ),
    placeholderData: keepPreviousData,
  });
  const isFiltered = NAMES.some((name) => filters.get(name) !== undefined);
  return (
    <section className="admin-section" aria-label="Audit log">
      <div className="admin-section-head">
        <h2>Audit log</h2>
        <Button isDisabled={!isFiltered} onPress={filters.clear}>
          Clear the filters
        </Button>
      </div>
      <AuditFilters filters={filters} />
      <PageOf query={query} filters={filters} names={['entry', 'entries']}>
        {({ audit_logs }) => <DataTable label="Audit log" rows={audit_logs} columns={COLUMNS} />}
      </PageOf>
    </section>
  );
}

function AuditFilters({ filters }: { readonly filters: Filters }) {
  const field = (name: string, label: string) => (
    <FilterField
      label={label}
      inputMode="numeric"
      value={filters.get(name) ?? ''}
      onSettled={(value) => filters.set(name, value)}
    />
  );
  const time = (name: string, label: string) => (
    <Field
      label={label}
      type="datetime-local"
      value={localTimeOf(filters.get(name))}
      onChange={(value) => filters.set(name, instantOf(value))}
    />
  );
  return (
    <div className="filters" role="search" aria-label="Audit log">
      {field('actor_id', 'Actor id')}
      <Choice
        label="Action"
        options={ACTION_OPTIONS}
        value={(filters.get('action') ?? '') as Action | ''}
        onChange={(action) => filters.set('action', action)}
      />
      <Choice
        label="Resource"
        options={RESOURCE_OPTIONS}
        value={(filters.get('resource_type') ?? '') as Resource | ''}
        onChange={(type) => filters.set('resource_type', type)}
      />
      {field('resource_id', 'Resource id')}
      {time('from', 'From')}
      {time('to', 'Before')}
    </div>
  );
}

const COLUMNS: readonly TableColumn<AuditLog>[] = [
  { name: 'Action', of: ({ action }) => <code className="action">{action}</code> },
  { name: 'When', of: ({ occurred_at }) => <When at={occurred_at} isExact /> },
  {
    name: 'Who',
    of: ({ actor_id, actor_email, address }) => (
      <div className="who">
        {actor_id === null ? (
          <span className="breakable">{actor_email ?? 'the server'} (not signed in)</span>
        ) : (
          <Link className="breakable" to={`?actor_id=${actor_id}`}>
            {actor_email ?? `user ${actor_id}`}
          </Link>
        )}
        {address !== null && <div className="hint">{address}</div>}
      </div>
    ),
  },
  {
    name: 'What',
    of: ({ resource_type, resource_id }) =>
      resource_id === null ? (
        resource_type
      ) : (
        <Link className="what" to={`?resource_type=${resource_type}&resource_id=${resource_id}`}>
          {resource_type} {resource_id}
        </Link>
      ),
  },
  { name: 'Changes', of: ({ changes }) => <Changes changes={changes} /> },
  {
    name: 'Request',
    of: ({ request_id }) =>
      request_id === null ? (
        '–'
      ) : (
        <div className="request">
          <code className="request-id">{request_id}</code>
          <CopyButton text={request_id} what="request id" />
        </div>
      ),
  },
];
