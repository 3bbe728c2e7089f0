import { useEffect, useState } from 'react';

/**
 * When it is worth trying again, counting down from when it is first shown. In a live region: the ticking is for the
 * eye, a screen reader is told how long it takes, and when it is over.
 */
export function Wait({ seconds }: { readonly seconds: number }) {
  const left = useCountdown(seconds);
  if (left === 0) return 'You can try again now.';
  return (
    <>
      <span aria-hidden="true">Try again in {inWords(left)}.</span>
      <span className="visually-hidden">Try again in {inWords(seconds)}.</span>
    </>
  );
}

function useCountdown(seconds: number): number {
  const [until] = useState(() => Date.now() + seconds * 1000);
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    const timer = setInterval(() => {
      const now = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      setLeft(now);
      if (now === 0) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [until]);
  return left;
}

const inWords = (seconds: number) =>
  seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
