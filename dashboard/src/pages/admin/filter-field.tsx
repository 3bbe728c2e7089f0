import { useEffect, useRef, useState } from 'react';
import { Field, type FieldProps } from '../../ui/field.js';

/** After the last letter: while somebody types, nothing is asked. */
const SETTLED_MS = 300;

interface FilterFieldProps extends Pick<FieldProps, 'label' | 'type' | 'inputMode' | 'placeholder'> {
  readonly value: string;
  readonly onSettled: (value: string) => void;
}

export function FilterField({ value, onSettled, ...props }: FilterFieldProps) {
  const [typed, setTyped] = useSettling(value, onSettled);
  return <Field {...props} value={typed} onChange={setTyped} autoComplete="off" spellCheck="false" />;
}

/** What is typed is there at once, and told when it has settled. What is set from elsewhere replaces it. */
function useSettling(value: string, onSettled: (value: string) => void) {
  const [typed, setTyped] = useState(value);
  const told = useRef(value);
  // The one of the newest rendering: an older one would bring back the filters that were set when typing began.
  const tell = useRef(onSettled);
  useEffect(() => {
    tell.current = onSettled;
  }, [onSettled]);
  useEffect(() => {
    if (value !== told.current) setTyped(value);
    told.current = value;
  }, [value]);
  useEffect(() => {
    if (typed.trim() === told.current) return undefined;
    const timer = setTimeout(() => {
      told.current = typed.trim();
      tell.current(typed.trim());
    }, SETTLED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped] as const;
}
