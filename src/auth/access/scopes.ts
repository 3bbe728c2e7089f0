/** The rights that a personal token can have. No scope covers admin routes, passwords, sessions or tokens. */
export const SCOPES = ['items:read', 'items:write', 'profile:read'] as const;
export type Scope = (typeof SCOPES)[number];
