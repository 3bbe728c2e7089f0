import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { messageOf } from '../../api/problem.js';
import type { Item } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Notice } from '../../ui/notice.js';
import { Pager } from '../../ui/pager.js';
import { Empty, Failed, Loading } from '../../ui/states.js';
import { useTitle } from '../../ui/title.js';
import { AddItem } from './add-item.js';
import { ItemCard } from './item-card.js';
import { addItem, type Fields, LIST_KEY, listOptions } from './items.js';
import { PAGE_SIZE, SORTS, TYPES, useListQuery } from './list-query.js';
import './list.css';
import { useDeletion } from './use-deletion.js';

export function ListPage() {
  useTitle('My list');
  const [query, change] = useListQuery();
  const { data, error, isPlaceholderData, refetch } = useQuery(listOptions(query));
  const { gone, remove } = useDeletion();
  const heading = useRef<HTMLHeadingElement>(null);

  const lastPage = data === undefined ? 1 : Math.max(1, Math.ceil(data.total / PAGE_SIZE));
  useEffect(() => {
    // What was on the last page may all have been deleted.
    if (data !== undefined && !isPlaceholderData && query.page > lastPage) change({ page: lastPage });
  });

  const items = data?.watchlist.filter(({ id }) => !gone.has(id)) ?? [];
  const total = (data?.total ?? 0) - ((data?.watchlist.length ?? 0) - items.length);
  const removeFrom = (item: Item) => {
    remove(item);
    // The button that had the focus goes with its card.
    const next = items[items.indexOf(item) + 1] ?? items[items.indexOf(item) - 1];
    if (next === undefined) heading.current?.focus();
    else document.getElementById(`item-${next.id}`)?.focus();
  };

  return (
    <>
      <div className="list-head">
        <h1 ref={heading} tabIndex={-1}>
          My list
        </h1>
        {data !== undefined && (
          <p className="hint" aria-live="polite">
            {total} {total === 1 ? 'title' : 'titles'}
          </p>
        )}
      </div>
      <AddItem />
      <div className="list-tools">
        <Choice label="Show" options={TYPES} value={query.type} onChange={(type) => change({ type })} />
        <Choice label="Sort by" options={SORTS} value={query.sort} onChange={(sort) => change({ sort })} />
      </div>
      {data === undefined && error === null && <Loading label="Reading your list…" />}
      {error !== null &&
        (data === undefined ? (
          <Failed error={error} onRetry={() => void refetch()} />
        ) : (
          <Notice tone="warning">
            This may be out of date: {messageOf(error)}{' '}
            <Button onPress={() => void refetch()}>Try again</Button>
          </Notice>
        ))}
      {data !== undefined && items.length === 0 && <Nothing isFiltered={query.type !== 'all'} />}
      <ul className="items" aria-label="Titles" aria-busy={isPlaceholderData}>
        {items.map((item) => (
          <ItemCard key={item.id} item={item} onDelete={() => removeFrom(item)} />
        ))}
      </ul>
      <Pager
        skip={(query.page - 1) * PAGE_SIZE}
        limit={PAGE_SIZE}
        total={total}
        onSkip={(skip) => change({ page: skip / PAGE_SIZE + 1 })}
      />
    </>
  );
}

const SUGGESTIONS: readonly Fields[] = [
  { title: 'Parasite', type: 'movie' },
  { title: 'Le Fabuleux Destin d’Amélie Poulain', type: 'movie' },
  { title: 'Severance', type: 'show' },
];

function Nothing({ isFiltered }: { readonly isFiltered: boolean }) {
  const queries = useQueryClient();
  const { mutate, error, isPending, variables } = useMutation({
    mutationFn: addItem,
    onSuccess: () => queries.invalidateQueries({ queryKey: LIST_KEY }),
  });
  if (isFiltered) return <Empty title="Nothing of that kind on your list" />;
  return (
    <Empty title="Nothing on your list yet">
      <p>Add the first title above, or begin with one of these:</p>
      <div className="suggestions">
        {SUGGESTIONS.map((fields) => (
          <Button
            key={fields.title}
            isPending={isPending && variables.title === fields.title}
            onPress={() => mutate(fields)}
          >
            + {fields.title}
          </Button>
        ))}
      </div>
      {error !== null && <Notice tone="error">{messageOf(error)}</Notice>}
    </Empty>
  );
}
