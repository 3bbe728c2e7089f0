import { Injectable } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { UnitOfWork } from '../database/unit-of-work.js';
import { inTime } from './in-time.js';

@Injectable()
export class DatabaseHealth {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  async check() {
    const indicator = this.indicators.check('database');
    return (await inTime(() => this.unitOfWork.ping())) ? indicator.up() : indicator.down();
  }
}
