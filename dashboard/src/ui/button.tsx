import type { Ref } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from 'react-aria-components';

export interface ButtonProps extends AriaButtonProps {
  readonly look?: 'primary' | 'plain' | 'danger' | 'quiet';
  readonly ref?: Ref<HTMLButtonElement>;
}

/** While `isPending`, it can be focused but not pressed, and says so to a screen reader. */
export function Button({ look = 'plain', ...props }: ButtonProps) {
  return <AriaButton {...props} className={`button button-${look}`} />;
}
