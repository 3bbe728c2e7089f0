import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import { useSession } from '../../api/session.js';
import type { Role, User } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { useTitle } from '../../ui/title.js';
import { DataTable, type TableColumn } from './data-table.js';
import { FilterField } from './filter-field.js';
import { LIMIT, useFilters } from './filters.js';
import { InviteUser } from './invite-user.js';
import { LinkShown, type SecretLink } from './link-shown.js';
import { PageOf } from './page-of.js';
import { PasswordLink } from './password-link.js';
import { ChangeRole, ChangeStanding } from './user-changes.js';
import { UserMenu, type UserTask } from './user-menu.js';
import { When } from '../../ui/when.js';

const ROLES = { '': 'All', user: 'Users', admin: 'Administrators' } as const;

type Open = { readonly task: UserTask; readonly user: User } | { readonly task: 'invite' } | null;

export function UsersPage() {
  useTitle('Users');
  const filters = useFilters();
  const [open, setOpen] = useState<Open>(null);
  const [link, setLink] = useState<SecretLink | null>(null);
  const asked = { q: filters.get('q'), role: filters.get('role') as Role | undefined, skip: filters.skip };
  const query = useQuery({
    queryKey: ['admin', 'users', asked],
    queryFn: () => answerOf(api.GET('/v1/admin/users', { params: { query: { ...asked, limit: LIMIT } } })),
    placeholderData: keepPreviousData,
  });
  const queries = useQueryClient();
  const close = () => setOpen(null);
  /** What has changed is on the page before the dialog goes. */
  const done = async () => {
    await queries.invalidateQueries({ queryKey: ['admin'] });
    close();
  };
  const show = async (made: SecretLink) => {
    await done();
    setLink(made);
  };
  const session = useSession();
  const myId = session.state === 'signed-in' ? session.user.id : null;
  return (
    <section className="admin-section" aria-label="Users">
      <div className="admin-section-head">
        <h2>Users</h2>
        <Button look="primary" onPress={() => setOpen({ task: 'invite' })}>
          Invite…
        </Button>
      </div>
      <div className="filters" role="search" aria-label="Users">
        <FilterField
          label="E-mail contains"
          type="search"
          value={asked.q ?? ''}
          onSettled={(value) => filters.set('q', value)}
        />
        <Choice
          label="Role"
          options={ROLES}
          value={asked.role ?? ''}
          onChange={(role) => filters.set('role', role)}
        />
      </div>
      <PageOf query={query} filters={filters} names={['user', 'users']}>
        {({ users }) => (
          <DataTable
            label="Users"
            rows={users}
            columns={columns(myId, (task, user) => setOpen({ task, user }))}
          />
        )}
      </PageOf>
      {open?.task === 'role' && <ChangeRole user={open.user} onDone={done} onClose={close} />}
      {open?.task === 'standing' && <ChangeStanding user={open.user} onDone={done} onClose={close} />}
      {open?.task === 'link' && <PasswordLink user={open.user} onMade={show} onClose={close} />}
      {open?.task === 'invite' && <InviteUser onInvited={show} onClose={close} />}
      {link !== null && <LinkShown link={link} onClose={() => setLink(null)} />}
    </section>
  );
}

const columns = (
  myId: number | null,
  onTask: (task: UserTask, user: User) => void,
): readonly TableColumn<User>[] => [
  {
    name: 'E-mail',
    of: ({ id, email }) => (
      <span className="breakable">
        {email} {id === myId && <span className="tag">you</span>}
      </span>
    ),
  },
  {
    name: 'Role',
    of: ({ role }) => (role === 'admin' ? <span className="tag">admin</span> : 'user'),
  },
  {
    name: 'Standing',
    of: ({ disabled }) => (disabled ? <span className="tag tag-danger">disabled</span> : 'active'),
  },
  { name: 'Items', of: ({ item_count }) => item_count },
  { name: 'Since', of: ({ created_at }) => <When at={created_at} /> },
  { name: 'Id', of: ({ id }) => id },
  { name: 'Actions', of: (user) => <UserMenu user={user} onTask={(task) => onTask(task, user)} /> },
];
