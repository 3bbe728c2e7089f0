import { Button } from './button.js';

interface PagerProps {
  readonly skip: number;
  readonly limit: number;
  readonly total: number;
  readonly onSkip: (skip: number) => void;
}

export function Pager({ skip, limit, total, onSkip }: PagerProps) {
  if (total <= limit && skip === 0) return null;
  return (
    <nav className="pager" aria-label="Pages">
      <Button isDisabled={skip === 0} onPress={() => onSkip(Math.max(0, skip - limit))}>
        Previous
      </Button>
      <span aria-live="polite">
        {total === 0 ? 0 : Math.min(skip + 1, total)}–{Math.min(skip + limit, total)} of {total}
      </span>
      <Button isDisabled={skip + limit >= total} onPress={() => onSkip(skip + limit)}>
        Next
      </Button>
    </nav>
  );
}
