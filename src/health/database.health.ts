import { Injectable, Logger } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { OverloadedError } from '../common/errors/common.errors.js';
import { failureInTime } from '../common/with-timeout.js';
import { UnitOfWork } from '../database/unit-of-work.js';

@Injectable()
export class DatabaseHealth {
  private readonly logger = new Logger('Database');
  private isUp = true;

  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async check() {
    const indicator = this.indicators.check('database');
    const failure = await failureInTime(() => this.unitOfWork.ping());
    // A server with too much work is not helped by counting as down.
    const isUp = failure === undefined || failure instanceof OverloadedError;
    this.logChange(isUp, failure);
    return isUp ? indicator.up() : indicator.down();
  }

  private logChange(isUp: boolean, failure: Error | undefined): void {
    if (this.isUp === isUp) return;
    this.isUp = isUp;
    if (isUp) this.logger.log('accepts writes again');
    else this.logger.warn(`accepts no writes (${failure!.message})`);
  }
}
