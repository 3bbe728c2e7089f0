import { HttpModule } from '@nestjs/axios';
import { Module } from '@nestjs/common';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';
import { AUDIT_DELIVERY_DEFAULTS, AUDIT_DELIVERY_OPTIONS, AuditDelivery } from './audit-delivery.js';
import { WEBHOOK_CLIENT_DEFAULTS, WEBHOOK_CLIENT_OPTIONS, WebhookClient } from './webhook.client.js';

@Module({
  imports: [HttpModule],
  providers: [
    AuditService,
    AuditRepository,
    AuditDelivery,
    WebhookClient,
    { provide: AUDIT_DELIVERY_OPTIONS, useValue: AUDIT_DELIVERY_DEFAULTS },
    { provide: WEBHOOK_CLIENT_OPTIONS, useValue: WEBHOOK_CLIENT_DEFAULTS },
  ],
  exports: [AuditService],
})
export class AuditModule {}
