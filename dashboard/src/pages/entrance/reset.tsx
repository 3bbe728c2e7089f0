import { useTitle } from '../../ui/title.js';

export function ResetPage() {
  useTitle('Choose a password');
  return <h1>Choose a password</h1>;
}
