import { useEffect, useState } from 'react';

/** The time, each second, as long as there is something to count down. */
export function useNow(isNeeded: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isNeeded) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isNeeded]);
  return now;
}

export const secondsUntil = (time: number, now: number) => Math.max(0, Math.ceil((time - now) / 1000));
