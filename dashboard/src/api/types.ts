import type { components } from '@watchlist/client';

type Schemas = components['schemas'];

export type Account = Schemas['UserResponse'];
export type Item = Schemas['ItemResponse'];
export type ItemType = Item['type'];
