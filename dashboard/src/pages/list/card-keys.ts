import type { KeyboardEvent } from 'react';

/** Arrow keys, Home and End go from card to card as they stand on the screen. While one is edited, keys are its form's. */
export function goThroughCards(event: KeyboardEvent<HTMLElement>): void {
  const { key, target, currentTarget } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const cards = [...currentTarget.querySelectorAll<HTMLElement>(':scope > li')];
  const from = cards.findIndex((card) => card.contains(target as Node));
  if (from === -1 || isInForm(target)) return;
  const next = cards[placeOf(key, from, cards)];
  if (next === undefined || next === cards[from]) return;
  // The page would scroll by as much again.
  event.preventDefault();
  next.focus();
}

const isInForm = (target: EventTarget) => target instanceof Element && target.closest('form') !== null;

function placeOf(key: string, from: number, cards: readonly HTMLElement[]): number {
  const columns = cards.filter(({ offsetTop }) => offsetTop === cards[0]!.offsetTop).length;
  switch (key) {
    case 'ArrowLeft':
      return from - 1;
    case 'ArrowRight':
      return from + 1;
    case 'ArrowUp':
      return from - columns;
    case 'ArrowDown':
      return from + columns;
    case 'Home':
      return 0;
    case 'End':
      return cards.length - 1;
    default:
      return from;
  }
}
