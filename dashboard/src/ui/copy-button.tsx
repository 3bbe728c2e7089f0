import { Button } from './button.js';
import { toast } from './toasts.js';

interface CopyButtonProps {
  /** What is copied. */
  readonly text: string;
  /** What it is called: “request id”. */
  readonly what: string;
}

export function CopyButton({ text, what }: CopyButtonProps) {
  const copy = async () => {
    try {
      // Not there over plain http.
      await navigator.clipboard.writeText(text);
      toast({ text: `The ${what} is copied.` }, { timeout: 3000 });
    } catch {
      toast({ text: 'Your browser lets no page copy here. Select it and copy it yourself.', tone: 'error' });
    }
  };
  return (
    <Button look="quiet" aria-label={`Copy the ${what}`} onPress={() => void copy()}>
      Copy
    </Button>
  );
}
