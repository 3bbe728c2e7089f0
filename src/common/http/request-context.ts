import { AsyncVariable } from '../async-variable.js';

/** What everything that happens on behalf of one request may want to know about it. */
export interface RequestContext {
  readonly requestId: string;
  /** The client's address as `TRUST_PROXY` allows it to be known. */
  readonly address: string;
}

/** Empty outside requests (boot, background work). */
export const requestContext = new AsyncVariable<RequestContext>();
