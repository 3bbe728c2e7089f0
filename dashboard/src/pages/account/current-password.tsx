import { ApiProblem, hasCode } from '../../api/problem.js';
import { Field } from '../../ui/field.js';

/** Asked again of whoever is signed in. */
export function CurrentPassword() {
  return (
    <Field
      label="Current password"
      name="current_password"
      type="password"
      autoComplete="current-password"
      isRequired
    />
  );
}

/** Has a password that is wrong said beside its field. */
export async function confirmed<T>(acting: Promise<T>): Promise<T> {
  try {
    return await acting;
  } catch (error) {
    if (hasCode(error, 'INVALID_CREDENTIALS'))
      throw beside('current_password', 'is not your current password', error);
    throw error;
  }
}

/** The same problem, as one of a field. */
export function beside(field: string, message: string, error: unknown): ApiProblem {
  const { status, code, message: detail, retryAfter, requestId } = error as ApiProblem;
  return new ApiProblem(status, code, detail, [{ field, message }], retryAfter, requestId);
}
