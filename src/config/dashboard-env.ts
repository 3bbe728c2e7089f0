import { z } from 'zod';
import { checked, type Source, trustedProxies, url, wholeNumber } from './env.js';

/** With or without the `/v1` that clients of the original have in it. */
const apiBaseUrl = url('http:', 'https:').transform((text) => {
  const { origin, pathname } = new URL(text);
  return { origin, pathname: pathname.replace(/\/+(v1\/*)?$/, '') };
});

const schema = z.object({
  HOST: z.string().default('0.0.0.0'),
  PORT: wholeNumber(0, 65535).default(8501),
  /** Where the API is. `pathname` is empty or begins with a slash, and ends with none. */
  API_BASE_URL: apiBaseUrl.prefault('http://localhost:8000'),
  TRUST_PROXY: trustedProxies.default([]),
});

/** What the dashboard's own server can be told. */
export type DashboardEnv = Readonly<z.output<typeof schema>>;

/**
 * Reads no `.env`: that is the API's, and its PORT is not meant for this one.
 *
 * @throws InvalidEnvironmentError
 */
export function loadDashboardEnv(source: Source = process.env): DashboardEnv {
  return Object.freeze(checked(schema, source));
}
