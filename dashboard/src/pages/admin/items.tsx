import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import type { ItemType, OwnedItem } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { useTitle } from '../../ui/title.js';
import { AddItem } from './add-item.js';
import { DataTable, type TableColumn } from './data-table.js';
import { type Filters, LIMIT, useFilters } from './filters.js';
import { DeleteItem, EditItem } from './item-changes.js';
import { PageOf } from './page-of.js';
import { UserPicker } from './user-picker.js';
import { When } from '../../ui/when.js';

const TYPES = { '': 'All', movie: 'Movies', show: 'Shows' } as const;
const SORTS = {
  created_at_desc: 'Newest first',
  created_at_asc: 'Oldest first',
  title_asc: 'Title, A to Z',
  title_desc: 'Title, Z to A',
} as const;

type Open = { readonly task: 'edit' | 'delete'; readonly id: number } | { readonly task: 'add' } | null;

export function ItemsPage() {
  useTitle('Items');
  const filters = useFilters();
  const heading = useRef<HTMLHeadingElement>(null);
  const [open, setOpen] = useState<Open>(null);
  const asked = {
    user_id: filters.get('user_id') as number | undefined,
    type: filters.get('type') as ItemType | undefined,
    sort: filters.get('sort') as keyof typeof SORTS | undefined,
    skip: filters.skip,
  };
  const query = useQuery({
    queryKey: ['admin', 'items', asked],
    queryFn: () =>
      answerOf(api.GET('/v1/admin/watchlists', { params: { query: { ...asked, limit: LIMIT } } })),
    placeholderData: keepPreviousData,
  });
  const queries = useQueryClient();
  const close = () => setOpen(null);
  const done = async () => {
    await queries.invalidateQueries({ queryKey: ['admin'] });
    close();
  };
  const removed = async () => {
    await done();
    // Its buttons are gone with it; after the dialog has tried to give the focus back to them.
    requestAnimationFrame(() => heading.current?.focus());
  };
  return (
    <section className="admin-section" aria-label="Items">
      <div className="admin-section-head">
        <h2 ref={heading} tabIndex={-1}>
          Anyone’s items
        </h2>
        <Button look="primary" onPress={() => setOpen({ task: 'add' })}>
          Add for a user…
        </Button>
      </div>
      <div className="filters" role="search" aria-label="Items">
        <OwnerFilter filters={filters} items={query.data?.watchlist} />
        <Choice
          label="Type"
          options={TYPES}
          value={asked.type ?? ''}
          onChange={(type) => filters.set('type', type)}
        />
        <Choice
          label="Order"
          options={SORTS}
          value={asked.sort ?? 'created_at_desc'}
          onChange={(sort) => filters.set('sort', sort === 'created_at_desc' ? '' : sort)}
        />
      </div>
      <PageOf query={query} filters={filters} names={['item', 'items']}>
        {({ watchlist }) => (
          <DataTable
            label="Items"
            rows={watchlist}
            columns={columns((task, { id }) => setOpen({ task, id }))}
          />
        )}
      </PageOf>
      {open?.task === 'edit' && <EditItem id={open.id} onDone={done} onClose={close} />}
      {open?.task === 'delete' && <DeleteItem id={open.id} onDone={removed} onClose={close} />}
      {open?.task === 'add' && <AddItem onDone={done} onClose={close} />}
    </section>
  );
}

interface OwnerFilterProps {
  readonly filters: Filters;
  readonly items: readonly OwnedItem[] | undefined;
}

/** The address has their id; their items say what they are called. */
function OwnerFilter({ filters, items }: OwnerFilterProps) {
  const id = filters.get('user_id');
  if (id === undefined)
    return <UserPicker label="Owner" onPick={(user) => filters.set('user_id', String(user?.id ?? ''))} />;
  const owner = items?.find((item) => String(item.owner.id) === id)?.owner;
  return (
    <div className="field">
      <span className="field-label">Owner</span>
      <div className="picked">
        <span className="breakable">{owner?.email ?? `User ${id}`}</span>
        <Button look="quiet" aria-label="Everybody’s items" onPress={() => filters.set('user_id', '')}>
          ✕
        </Button>
      </div>
    </div>
  );
}

const columns = (
  onTask: (task: 'edit' | 'delete', item: OwnedItem) => void,
): readonly TableColumn<OwnedItem>[] => [
  { name: 'Title', of: ({ title }) => <strong className="breakable">{title}</strong> },
  { name: 'Type', of: ({ type }) => <span className={`tag tag-${type}`}>{type}</span> },
  { name: 'Owner', of: ({ owner }) => <span className="breakable">{owner.email}</span> },
  { name: 'Added', of: ({ created_at }) => <When at={created_at} /> },
  {
    name: 'Actions',
    of: (item) => (
      <div className="row-actions">
        <Button look="quiet" aria-label={`Edit ${item.title}`} onPress={() => onTask('edit', item)}>
          Edit
        </Button>
        <Button look="quiet" aria-label={`Delete ${item.title}`} onPress={() => onTask('delete', item)}>
          Delete
        </Button>
      </div>
    ),
  },
];
