import { between, branch } from './seeded.js';

/** Something that a read showed and that it must not show. */
export interface Violation {
  /**
   * `stale`: older than what was acknowledged before the read began. `backwards`: older than what another read had
   * shown before it began. `foreign`: somebody else's. `unwritten`: what nobody has written so far.
   */
  readonly kind: 'stale' | 'backwards' | 'foreign' | 'unwritten';
  readonly description: string;
}

/** One owner's data, in all the states that it has been told to take; the numbers are indices of `states`. */
interface Register {
  readonly states: string[];
  acknowledged: number;
  /** The latest that has been shown, as far as is certain. */
  shown: number;
}

/**
 * Records who wrote and read what, and judges each read as it ends: it may show any state from the last one that
 * was acknowledged, or shown to anybody, when the read began, up to the last one whose write had begun when it ended.
 * To whoever looks on, every register is then like one variable in one place (it is linearizable).
 *
 * That is simple because each register has one writer, who waits for each write's acknowledgement. Begin a write or
 * read before anything is sent and end it when the answer is there: the time in between is longer than the server's, so
 * that whatever is found is certain. States may come again; the more they differ, the more is found.
 */
export class History {
  readonly violations: Violation[] = [];
  writes = 0;
  reads = 0;
  private readonly registers: ReadonlyMap<string, Register>;
  private readonly outcomes = new Map<string, number>();

  /** @param initial each register's first state */
  constructor(initial: Readonly<Record<string, string>>) {
    this.registers = new Map(
      Object.entries(initial).map(([name, state]) => [name, { states: [state], acknowledged: 0, shown: 0 }]),
    );
  }

  get names(): readonly string[] {
    return [...this.registers.keys()];
  }

  /** Reads with this outcome, such as `HIT`. */
  count(outcome: string): number {
    return this.outcomes.get(outcome) ?? 0;
  }

  /** @returns to be called when the write is acknowledged; never if it is not */
  beginWrite(name: string, state: string): () => void {
    const register = this.registerOf(name);
    const number = register.states.length;
    if (register.acknowledged !== number - 1)
      throw new Error(`${name} has a second writer, or one that does not wait`);
    register.states.push(state);
    return () => {
      register.acknowledged = number;
      this.writes++;
    };
  }

  /** @returns to be called with what the read showed, and how it came about */
  beginRead(name: string): (state: string, outcome: string) => void {
    const { acknowledged, shown } = this.registerOf(name);
    return (state, outcome) => {
      this.reads++;
      this.outcomes.set(outcome, this.count(outcome) + 1);
      this.judge(name, state, outcome, { acknowledged, shown });
    };
  }

  private judge(
    name: string,
    state: string,
    outcome: string,
    began: Pick<Register, 'acknowledged' | 'shown'>,
  ): void {
    const register = this.registerOf(name);
    const { acknowledged, shown } = began;
    // Of several that look so, the earliest: the others may only be suspected.
    const number = register.states.indexOf(state, Math.max(acknowledged, shown));
    if (number !== -1) {
      register.shown = Math.max(register.shown, number);
      return;
    }
    const latest = register.states.lastIndexOf(state);
    const kind = latest === -1 ? this.strange(state) : latest < acknowledged ? 'stale' : 'backwards';
    this.violations.push({
      kind,
      description:
        `${kind}: ${name} was shown ${latest === -1 ? '' : `state ${latest}, `}"${state}" (${outcome}), by a read ` +
        `that began when ${acknowledged} was acknowledged and ${shown} had been shown, and ended when ` +
        `${register.states.length - 1} had begun`,
    });
  }

  private strange(state: string): Violation['kind'] {
    return [...this.registers.values()].some(({ states }) => states.includes(state))
      ? 'foreign'
      : 'unwritten';
  }

  private registerOf(name: string): Register {
    return this.registers.get(name)!;
  }
}

/** What is played on: real servers, or a model of them. Both methods reject when a request fails. */
export interface Stage {
  /** The next write, chosen at random, and the state to which it leads; each is done before the next one is asked for. */
  nextWrite(name: string, random: () => number): { state: string; write: () => Promise<void> };
  read(name: string, random: () => number): Promise<{ state: string; outcome: string }>;
}

export interface Load {
  /** Who only read, for each register. */
  readonly readers: number;
  /** How often the writer itself reads between two writes: so that how much is read between them hardly depends on the machine. */
  readonly readsPerWrite: readonly [least: number, most: number];
  readonly isOver: () => boolean;
}

/** Everybody reads and writes at once until it is over, something fails or a read shows what it must not. */
export async function play(
  history: History,
  stage: Stage,
  { readers, readsPerWrite: [least, most], isOver }: Load,
  random: () => number,
): Promise<void> {
  let hasFailed = false;
  const goesOn = () => !hasFailed && history.violations.length === 0 && !isOver();

  const read = async (name: string, random: () => number) => {
    const end = history.beginRead(name);
    const { state, outcome } = await stage.read(name, random);
    end(state, outcome);
  };
  const reader = async (name: string, random: () => number) => {
    while (goesOn()) await read(name, random);
  };
  const writer = async (name: string, random: () => number) => {
    while (goesOn()) {
      for (let left = between(least, most, random); left > 0 && goesOn(); left--) await read(name, random);
      const { state, write } = stage.nextWrite(name, random);
      const acknowledge = history.beginWrite(name, state);
      await write();
      acknowledge();
    }
    // What was written last is read too.
    await read(name, random);
  };

  const actors = history.names.flatMap((name) =>
    [writer, ...Array<typeof reader>(readers).fill(reader)].map((act) => act(name, branch(random))),
  );
  for (const actor of actors) actor.catch(() => (hasFailed = true));
  const ends = await Promise.allSettled(actors);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
