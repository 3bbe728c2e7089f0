/** What a personal token can be for. Never for admins' work, passwords, sessions or tokens. */
export const SCOPES = ['items:read', 'items:write', 'profile:read'] as const;
export type Scope = (typeof SCOPES)[number];
