import { Link } from 'react-router';
import { useTitle } from '../ui/title.js';

export function NotFoundPage() {
  useTitle('Not found');
  return (
    <div className="state">
      <h1>There is no such page</h1>
      <Link to="/">To my list</Link>
    </div>
  );
}
