import { randomInt } from 'node:crypto';

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers for somebody who acts beside others: what they are given does not depend on who asks first. */
export const branch = (random: () => number) => generator(Math.floor(random() * 2 ** 32));

/** A whole number. */
export const between = (least: number, most: number, random: () => number) =>
  least + Math.floor(random() * (most - least + 1));

export const oneOf = <T>(choices: readonly T[], random: () => number): T =>
  choices[between(0, choices.length - 1, random)]!;

/** A failure says its seed; `FAULT_SEED=<seed>` makes the same choices again. */
export async function seeded(test: (random: () => number) => Promise<void>): Promise<void> {
  const seed = Number(process.env['FAULT_SEED'] ?? randomInt(2 ** 32));
  try {
    await test(generator(seed));
  } catch (error) {
    throw new Error(`with FAULT_SEED=${seed}: ${(error as Error).message}`, { cause: error });
  }
}
