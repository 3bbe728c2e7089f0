/** As exactly as is of interest. */
export const inMilliseconds = (milliseconds: number) =>
  `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`;
