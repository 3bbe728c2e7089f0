/** Where answers are kept. Neither method throws: a cache that fails is a cache that is not there. */
export interface ResponseStore {
  /** The value; null when there is none (or none that is sound); undefined when the store cannot be asked. */
  get(key: string): Promise<string | null | undefined>;
  /** @returns whether the value is stored now */
  set(key: string, value: string): Promise<boolean>;
}

/** More than the largest page can have; anything longer is not ours. */
export const MAXIMUM_VALUE_BYTES = 262_144;
