import { useTitle } from '../../ui/title.js';

export function ListPage() {
  useTitle('My list');
  return <h1>My list</h1>;
}
