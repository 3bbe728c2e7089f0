import { anonymous } from '../../api/anonymous.js';
import { answerOf } from '../../api/problem.js';
import { begin } from '../../api/session.js';

type Values = Readonly<Record<string, string>>;

/** The refresh token goes into a cookie that no script can read. */
export async function signIn({ email = '', password = '' }: Values): Promise<void> {
  await begin(
    await answerOf(anonymous.POST('/v1/auth/login', { body: { email, password, transport: 'cookie' } })),
  );
}

export async function register(values: Values): Promise<void> {
  const { email = '', password = '' } = values;
  await answerOf(anonymous.POST('/v1/auth/register', { body: { email, password } }));
  await signIn(values);
}
