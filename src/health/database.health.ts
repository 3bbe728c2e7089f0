import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { succeedsInTime } from '../common/with-timeout.js';
import { UnitOfWork } from '../database/unit-of-work.js';

@Injectable()
export class DatabaseHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async check() {
    const indicator = this.indicators.check('database');
    return (await succeedsInTime(() => this.unitOfWork.ping())) ? indicator.up() : indicator.down();
  }
}
