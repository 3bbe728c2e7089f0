import { useSearchParams } from 'react-router';

/** As many as a page of any of these lists has. */
export const LIMIT = 20;

export interface Filters {
  /** What the address says; undefined where it says nothing. */
  readonly get: (name: string) => string | undefined;
  readonly skip: number;
  /** Empty: no such filter any more. Begins at the first page again. */
  readonly set: (name: string, value: string) => void;
  readonly setSkip: (skip: number) => void;
  readonly clear: () => void;
}

/** In the address's query, so that a list as it is filtered can be reloaded, gone back to and handed on. */
export function useFilters(): Filters {
  const [params, setParams] = useSearchParams();
  const change = (name: string, value: string, replace: boolean) =>
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        after.delete('skip');
        if (value === '') after.delete(name);
        else after.set(name, value);
        return after;
      },
      { replace },
    );
  return {
    get: (name) => params.get(name) ?? undefined,
    skip: /^\d+$/.test(params.get('skip') ?? '') ? Number(params.get('skip')) : 0,
    // Each letter that is typed is not a page to go back to; a page is.
    set: (name, value) => change(name, value, true),
    setSkip: (skip) => change('skip', skip === 0 ? '' : String(skip), false),
    clear: () => setParams({}, { replace: true }),
  };
}
