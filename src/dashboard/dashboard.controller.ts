import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../auth/decorators/public.decorator.js';
import { RESET_PAGE, RESET_PAGE_POLICY } from './reset.page.js';

/** Pages for people. Not in the OpenAPI document: they are no interface for programs. */
@ApiExcludeController()
@Public()
@Controller('dashboard')
export class DashboardController {
  /** Where links that set a password lead. The same for everybody: the token stays in the browser. */
  @Get('reset')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', RESET_PAGE_POLICY)
  @Header('cache-control', 'no-store')
  reset(): string {
    return RESET_PAGE;
  }
}
