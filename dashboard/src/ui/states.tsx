import type { ReactNode } from 'react';
import { ProgressBar } from 'react-aria-components';
import { ApiProblem, messageOf } from '../api/problem.js';
import { Button } from './button.js';

export function Loading({ label = 'Loading…' }: { readonly label?: string }) {
  return (
    <ProgressBar isIndeterminate aria-label={label} className="loading">
      <span className="spinner" aria-hidden="true" />
    </ProgressBar>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

interface FailedProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

/** What went wrong, under which number the server's log has it, and the way out. */
export function Failed({ error, onRetry }: FailedProps) {
  const requestId = error instanceof ApiProblem ? error.requestId : null;
  return (
    <div className="state state-failed" role="alert">
      <p>{messageOf(error)}</p>
      {requestId !== null && <p className="hint">Request {requestId}</p>}
      {onRetry !== undefined && <Button onPress={onRetry}>Try again</Button>}
    </div>
  );
}
