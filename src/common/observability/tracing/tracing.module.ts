import { Global, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { stopTracing } from './tracing.js';

const SENDING_MS = 2000;
/** From SIGTERM on; the process may be ended after 12 s (process-signals.ts). */
const DONE_BY_MS = 11_500;

/** Global and first among the imports: of those Nest ends that one last, when all that there is to trace is over. */
@Global()
@Module({})
export class TracingModule implements OnModuleDestroy, OnApplicationShutdown {
  private doneBy = Infinity;

  onModuleDestroy(): void {
    this.doneBy = performance.now() + DONE_BY_MS;
  }

  onApplicationShutdown(): Promise<void> {
    return stopTracing(Math.max(0, Math.min(SENDING_MS, this.doneBy - performance.now())));
  }
}
