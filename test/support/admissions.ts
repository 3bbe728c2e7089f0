/** When a call was sent and answered, in ms of `performance.now()`; it was judged at some moment in between. */
export interface TimedCall {
  readonly asked: number;
  readonly answered: number;
}

/** The most admissions that surely fell into one window: asked after it began, and answered before it ended. */
export function mostInAnyWindow(admitted: readonly TimedCall[], windowMs: number): number {
  return Math.max(
    0,
    ...admitted.map(
      ({ asked: start }) =>
        admitted.filter(({ asked, answered }) => asked >= start && answered < start + windowMs).length,
    ),
  );
}

/**
 * The fewest admissions that can have been in the window of a refused call, whenever it was judged: all that were
 * answered after the window's earliest beginning and asked before its latest end. Infinity when none was refused.
 */
export function fewestBeforeRefusal(
  admitted: readonly TimedCall[],
  refused: readonly TimedCall[],
  windowMs: number,
): number {
  return Math.min(
    ...refused.map(
      (call) =>
        admitted.filter(({ asked, answered }) => answered > call.asked - windowMs && asked < call.answered)
          .length,
    ),
  );
}

/**
 * For how many ms somebody, who asks again as soon as there is an answer, has asked every `intervalMs`. What is above
 * that between two calls was a pause and is left out.
 */
export function timeAtPace(calls: readonly TimedCall[], intervalMs: number): number {
  return calls
    .slice(1)
    .reduce((sum, { asked }, index) => sum + Math.min(asked - calls[index]!.asked, intervalMs), 0);
}
