import { useTitle } from '../../ui/title.js';

export function ForgotPage() {
  useTitle('Forgotten password');
  return <h1>Forgotten password</h1>;
}
