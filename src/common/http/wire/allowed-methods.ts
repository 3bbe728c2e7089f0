import type { FastifyInstance } from 'fastify';
import createRouter from 'find-my-way';
import { MethodNotAllowedError, NotFoundError } from '../../errors/common.errors.js';
import type { ProblemError } from '../../errors/problem.error.js';
import { originForm, pathOf } from '../path.js';

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

  /** What to answer where the router has no route. */
  unroutable(method: string, target: string): ProblemError {
    const allowed = this.at(pathOf(originForm(target)));
    // A route may find nothing at a path of its own.
    return allowed.length > 0 && !allowed.includes(method)
      ? new MethodNotAllowedError(method, allowed)
      : new NotFoundError();
  }

  /** The methods of the route at this path, sorted; empty when there is none. */
  private at(path: string): string[] {
    const found = this.router.find('GET', path);
    return found ? [...(found.store as Set<string>)].sort() : [];
  }
}
