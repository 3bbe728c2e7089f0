import { ProblemError } from '../common/errors/problem.error.js';

export class UserNotFoundError extends ProblemError {
  constructor() {
    super(404, 'USER_NOT_FOUND', 'There is no such user.');
  }
}

export class EmailTakenError extends ProblemError {
  constructor() {
    super(409, 'EMAIL_TAKEN', 'This e-mail address is registered already.');
  }
}

export class LastAdminError extends ProblemError {
  constructor() {
    super(
      409,
      'LAST_ADMIN',
      'This is the last active admin, who can be neither demoted nor disabled nor erased.',
    );
  }
}
