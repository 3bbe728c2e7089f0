import type { components } from '@watchlist/client';

type Schemas = components['schemas'];

export type Account = Schemas['UserResponse'];
export type Item = Schemas['ItemResponse'];
export type ItemType = Item['type'];
export type SignedInSession = Schemas['SessionResponse'];
export type PersonalToken = Schemas['PersonalTokenResponse'];
export type NewPersonalToken = Schemas['NewPersonalTokenResponse'];
export type Scope = PersonalToken['scopes'][number];

export type User = Schemas['AdminUserResponse'];
export type Role = User['role'];
export type OwnedItem = Schemas['OwnedItemResponse'];
export type Stats = Schemas['StatsResponse'];
export type AuditLog = Schemas['AuditLogResponse'];
export type Health = Schemas['DetailedHealthResponse'];
export type GithubStatus = Schemas['GithubStatusResponse'];
