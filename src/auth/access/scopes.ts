/** The permissions of personal tokens. None covers admin routes, passwords, sessions or tokens. */
export const SCOPES = ['items:read', 'items:write', 'profile:read'] as const;
export type Scope = (typeof SCOPES)[number];
