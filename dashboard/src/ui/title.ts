import { useEffect } from 'react';

/** What the tab, and a screen reader after a change of page, calls it. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Watchlist`;
  }, [title]);
}
