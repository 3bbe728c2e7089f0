import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { api } from '../../api/client.js';
import { answerOf, hasStatus } from '../../api/problem.js';
import { update } from '../../api/session.js';
import { Pager } from '../../ui/pager.js';
import { Empty, Failed, Loading } from '../../ui/states.js';
import { type Filters, LIMIT } from './filters.js';

interface PageOfProps<Page> {
  readonly query: UseQueryResult<Page>;
  readonly filters: Filters;
  /** What one is called, and several. */
  readonly names: readonly [one: string, several: string];
  readonly children: (page: Page) => ReactNode;
}

/** A page of a list, or why it is not there. How many there are is told whenever that changes. */
export function PageOf<Page extends { readonly total: number }>(props: PageOfProps<Page>) {
  const { query, filters, names, children } = props;
  const { data, error, isPlaceholderData, refetch } = query;
  useDemotion(error);
  useLastPage(isPlaceholderData ? undefined : data?.total, filters);
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  const { total } = data;
  return (
    <>
      <p role="status" className="hint">
        {total} {names[total === 1 ? 0 : 1]}
      </p>
      {total === 0 ? (
        <Empty title={`No ${names[1]} found`}>
          <p>Nothing is as the filters ask for.</p>
        </Empty>
      ) : (
        <div className={isPlaceholderData ? 'is-old' : undefined} aria-busy={isPlaceholderData}>
          {children(data)}
        </div>
      )}
      <Pager skip={filters.skip} limit={LIMIT} total={total} onSkip={filters.setSkip} />
    </>
  );
}

/** Who has just been made a user by somebody else sees what a user sees. */
export function useDemotion(error: unknown): void {
  const isRefused = hasStatus(error, 403);
  useEffect(() => {
    if (isRefused) void lookAgain();
  }, [isRefused]);
}

async function lookAgain(): Promise<void> {
  try {
    update(await answerOf(api.GET('/v1/auth/me')));
  } catch {
    // What was refused is on the page already.
  }
}

/** A page that has become empty, because its last row was removed, is none. */
function useLastPage(total: number | undefined, { skip, setSkip }: Filters): void {
  useEffect(() => {
    if (total !== undefined && total > 0 && skip >= total) setSkip(Math.floor((total - 1) / LIMIT) * LIMIT);
  }, [total, skip]);
}
