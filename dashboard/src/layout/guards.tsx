import { Navigate, Outlet, useLocation } from 'react-router';
import { useSession } from '../api/session.js';
import { Empty, Loading } from '../ui/states.js';

/** Pages for whoever is signed in; the others come back to them once they are. */
export function SignedInOnly() {
  const session = useSession();
  const { pathname, search } = useLocation();
  if (session.state === 'starting') return <Loading />;
  if (session.state === 'signed-out')
    return <Navigate to="/sign-in" replace state={{ from: pathname + search }} />;
  return <Outlet />;
}

/** The server refuses everybody else, too; this only says so sooner. */
export function AdminsOnly() {
  const session = useSession();
  if (session.state === 'signed-in' && session.user.role === 'admin') return <Outlet />;
  return (
    <Empty title="For administrators">
      <p>Your account has the role “user”.</p>
    </Empty>
  );
}

/** Sign in, register: of no use to whoever has done it. */
export function SignedOutOnly() {
  const session = useSession();
  const { state } = useLocation() as { state: { from?: string } | null };
  if (session.state === 'starting') return <Loading />;
  if (session.state === 'signed-in') return <Navigate to={state?.from ?? '/'} replace />;
  return <Outlet />;
}
