// First, so that each page's own styles have the last word.
import './styles/base.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { forgetCalls } from './api/calls.js';
import { ApiProblem } from './api/problem.js';
import { onUserChange, start } from './api/session.js';
import { App } from './app.js';
import { Toasts } from './ui/toasts.js';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // The server is asked again whenever a page is opened; it answers from its cache, or that nothing has changed.
      staleTime: 0,
      // What was refused is refused again. The rest may be a moment's trouble.
      retry: (failures, error) => failures < 2 && error instanceof ApiProblem && error.status >= 502,
      refetchOnWindowFocus: true,
    },
  },
});
// Of two people at one browser the second never sees what the first was shown.
onUserChange((before) => {
  queries.clear();
  if (before !== null) forgetCalls();
});

void start();

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
      <Toasts />
    </QueryClientProvider>
  </StrictMode>,
);
