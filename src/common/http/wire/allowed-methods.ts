import type { RouteOptions } from 'fastify';
import createRouter from 'find-my-way';
import { MethodNotAllowedError, NotFoundError } from '../../errors/common.errors.js';
import type { ProblemError } from '../../errors/problem.error.js';
import { originForm, pathOf } from '../path.js';
import { MAXIMUM_HEAD_SIZE } from '../request-limits.js';

/**
 * Fastify's router gives the same answer for an unknown method and an unknown path.
 * This second router, filled from the same routes, tells them apart.
 */
export class AllowedMethods {
  private readonly router = createRouter({ ignoreTrailingSlash: true, maxParamLength: MAXIMUM_HEAD_SIZE });
  private readonly byPath = new Map<string, Set<string>>();

  add({ method, url }: Pick<RouteOptions, 'method' | 'url'>): void {
    // The CORS plugin's OPTIONS route matches every path, so it does not make a path known.
    if (url === '*') return;
    const methods = this.byPath.get(url) ?? new Set<string>();
    for (const each of [method].flat()) methods.add(each);
    if (!this.byPath.has(url)) {
      this.byPath.set(url, methods);
      this.router.on('GET', url, () => undefined, methods);
    }
  }

  problemFor(method: string, target: string): ProblemError {
    const allowed = this.at(pathOf(originForm(target)));
    // The path can have a route for this method that itself found nothing.
    return allowed.length > 0 && !allowed.includes(method)
      ? new MethodNotAllowedError(method, allowed)
      : new NotFoundError();
  }

  /** The methods of the route at this path, sorted; empty when there is no route. */
  private at(path: string): string[] {
    const found = this.router.find('GET', path);
    return found ? [...(found.store as Set<string>)].sort() : [];
  }
}
