import { useTitle } from '../../ui/title.js';

export function AdminPage() {
  useTitle('Admin');
  return <h1>Admin</h1>;
}
