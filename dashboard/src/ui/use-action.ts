import { useMutation, type UseMutationOptions } from '@tanstack/react-query';
import { useRef } from 'react';

/** A mutation that cannot be begun again before it is over: a double click is faster than the button that it disables. */
export function useAction<Data, Variables = void>(
  options: Omit<UseMutationOptions<Data, Error, Variables>, 'onSettled'>,
) {
  const isUnderWay = useRef(false);
  const mutation = useMutation({ ...options, onSettled: () => void (isUnderWay.current = false) });
  const begin: typeof mutation.mutate = (...args) => {
    if (isUnderWay.current) return;
    isUnderWay.current = true;
    mutation.mutate(...args);
  };
  return { ...mutation, mutate: begin };
}
