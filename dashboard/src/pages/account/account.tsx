import { useTitle } from '../../ui/title.js';

export function AccountPage() {
  useTitle('Account');
  return <h1>Account</h1>;
}
