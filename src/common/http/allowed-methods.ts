import type { FastifyInstance } from 'fastify';
import createRouter from 'find-my-way';

/**
 * Fastify's router answers an unknown method and an unknown path alike. This second table, filled from the same
 * registrations, tells them apart: path → the methods that it does answer.
 */
export class AllowedMethods {
  private readonly router = createRouter({ ignoreTrailingSlash: true, maxParamLength: 16_384 });
  private readonly byPath = new Map<string, Set<string>>();

  constructor(instance: FastifyInstance) {
    instance.addHook('onRoute', ({ method, url }) => {
      // The CORS plugin answers OPTIONS on `*`; that makes no path known.
      if (url === '*') return;
      const methods = this.byPath.get(url) ?? new Set<string>();
      for (const each of [method].flat()) methods.add(each);
      if (!this.byPath.has(url)) {
        this.byPath.set(url, methods);
        this.router.on('GET', url, () => undefined, methods);
      }
    });
  }

  /** The methods of the route at this path, sorted; empty when there is none. */
  at(path: string): string[] {
    const found = this.router.find('GET', path);
    return found ? [...(found.store as Set<string>)].sort() : [];
  }
}
