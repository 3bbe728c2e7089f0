import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { messageOf } from '../../api/problem.js';
import type { Item } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Notice } from '../../ui/notice.js';
import { Pager } from '../../ui/pager.js';
import { Empty, Failed, Loading } from '../../ui/states.js';
import { useTitle } from '../../ui/title.js';
import { useAction } from '../../ui/use-action.js';
import { AddItem } from './add-item.js';
import { goThroughCards } from './card-keys.js';
import { ItemCard } from './item-card.js';
import { addItem, type Fields, LIST_KEY, listOptions } from './items.js';
import { PAGE_SIZE, skipOf, SORTS, TYPES, useListQuery } from './list-query.js';
import './list.css';
import { shownOf } from './shown.js';
import { useDeletion } from './use-deletion.js';

export function ListPage() {
  useTitle('My list');
  const [query, change] = useListQuery();
  const { data, error, isPlaceholderData, refetch } = useQuery(listOptions(query));
  const { gone, remove } = useDeletion();
  const heading = useRef<HTMLHeadingElement>(null);

  const { watchlist: items, total } = shownOf(data ?? { watchlist: [], total: 0 }, query, gone);
  const lastPage = Math.max(1, Math.ceil(total / PAGE_SIZE));
  useEffect(() => {
    // What was on the last page may all have been deleted. Going back must not lead there again.
    if (data !== undefined && !isPlaceholderData && query.page > lastPage)
      change({ page: lastPage }, { replace: true });
  });

  const removeFrom = (item: Item) => {
    remove({ item, query, index: skipOf(query.page) + items.indexOf(item) });
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
        {items.length > 0 && (
          <p className="hint list-keys" id="list-keys">
            Arrow keys go from title to title; Enter edits, Delete deletes.
          </p>
        )}
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
      {data !== undefined && total === 0 && <Nothing isFiltered={query.type !== 'all'} />}
      <ul
        className="items"
        aria-label="Titles"
        aria-describedby="list-keys"
        aria-busy={isPlaceholderData}
        onKeyDown={goThroughCards}
      >
        {items.map((item) => (
          <ItemCard key={item.id} item={item} onDelete={() => removeFrom(item)} />
        ))}
      </ul>
      <Pager
        skip={skipOf(query.page)}
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
  const { mutate, error, isPending, variables } = useAction({
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
