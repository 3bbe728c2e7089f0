/**
 * One change that can still be taken back, because it has not been sent: that happens when its time is up, when the next
 * one comes, and when nobody could take it back any more (the page is left or hidden, its user signs out).
 */
let unsent: (() => Promise<void>) | null = null;

export function hold(send: () => Promise<void>): void {
  void sendUnsent();
  unsent = send;
}

/** It never happened. */
export function takeBack(): void {
  unsent = null;
}

export async function sendUnsent(): Promise<void> {
  const send = unsent;
  unsent = null;
  await send?.();
}

addEventListener('pagehide', () => void sendUnsent());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') void sendUnsent();
});
