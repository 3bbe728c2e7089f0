import { Global, Module, type OnApplicationShutdown, type OnModuleDestroy } from '@nestjs/common';
import { stopTracing } from './tracing.js';

const FLUSH_TIMEOUT_MS = 2000;
/** After SIGTERM, and before process-signals.ts ends the process after 12 s. */
const DEADLINE_MS = 11_500;

/** Global and the first import, because Nest then shuts it down last, after all traced work. */
@Global()
@Module({})
export class TracingModule implements OnModuleDestroy, OnApplicationShutdown {
  private deadline = Infinity;

  onModuleDestroy(): void {
    this.deadline = performance.now() + DEADLINE_MS;
  }

  onApplicationShutdown(): Promise<void> {
    return stopTracing(Math.max(0, Math.min(FLUSH_TIMEOUT_MS, this.deadline - performance.now())));
  }
}
