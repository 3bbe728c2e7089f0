import { Button, type ButtonProps } from './button.js';
import { toast } from './toasts.js';

interface CopyButtonProps extends Pick<ButtonProps, 'look' | 'autoFocus'> {
  /** What is copied. */
  readonly text: string;
  /** What it is called: “link”. */
  readonly what: string;
  readonly children?: string;
}

export function CopyButton({ text, what, children = 'Copy', ...props }: CopyButtonProps) {
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
    <Button {...props} aria-label={`Copy the ${what}`} onPress={() => void copy()}>
      {children}
    </Button>
  );
}
