import { useCalls } from '../api/calls.js';
import { Button } from '../ui/button.js';

/** What the page asks of the API, and how it was answered. */
export function BehindTheScenes({ onClose }: { readonly onClose: () => void }) {
  const calls = useCalls();
  return (
    <aside className="panel" aria-label="Behind the scenes">
      <Button look="quiet" onPress={onClose}>
        Close
      </Button>
      <ol>
        {calls.map(({ id, method, path, status }) => (
          <li key={id}>
            {method} {path} {status}
          </li>
        ))}
      </ol>
    </aside>
  );
}
