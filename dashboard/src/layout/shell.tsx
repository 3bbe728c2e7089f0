import { useEffect, useRef, useState } from 'react';
import { Link, NavLink, Outlet, useLocation, useNavigate } from 'react-router';
import { signOut, useSession } from '../api/session.js';
import type { Account } from '../api/types.js';
import { sendUnsent } from '../api/unsent.js';
import { BehindTheScenes } from '../behind-the-scenes/panel.js';
import { Button } from '../ui/button.js';
import { Notice } from '../ui/notice.js';
import { PageBoundary } from './page-boundary.js';

/** What every page stands in. */
export function Shell() {
  const session = useSession();
  const [isOpen, setOpen] = useState(false);
  const user = session.state === 'signed-in' ? session.user : null;
  const [, page] = useLocation().pathname.split('/');
  const content = useFocusOn(page);
  return (
    <div className={isOpen ? 'shell shell-with-panel' : 'shell'}>
      <a className="skip-link" href="#content">
        Skip to the content
      </a>
      <header className="header">
        <Link to="/" className="brand">
          Watchlist
        </Link>
        {user !== null && <Navigation user={user} />}
        <div className="header-end">
          <Button look="quiet" aria-expanded={isOpen} onPress={() => setOpen(!isOpen)}>
            Behind the scenes
          </Button>
          {user !== null && <SignOut email={user.email} />}
        </div>
      </header>
      {!window.isSecureContext && (
        <Notice tone="warning">
          This page came over plain http: your browser will refuse to keep you signed in, so a reload signs
          you out. Use https, or http://localhost.
        </Notice>
      )}
      <main id="content" ref={content} tabIndex={-1} className="content">
        <PageBoundary key={page}>
          <Outlet />
        </PageBoundary>
      </main>
      {isOpen && <BehindTheScenes onClose={() => setOpen(false)} />}
    </div>
  );
}

function Navigation({ user }: { readonly user: Account }) {
  return (
    <nav className="navigation" aria-label="Main">
      <NavLink to="/" end>
        My list
      </NavLink>
      <NavLink to="/account">Account</NavLink>
      {user.role === 'admin' && <NavLink to="/admin">Admin</NavLink>}
    </nav>
  );
}

function SignOut({ email }: { readonly email: string }) {
  const navigate = useNavigate();
  const [isPending, setPending] = useState(false);
  const leave = async () => {
    setPending(true);
    await sendUnsent();
    await signOut();
    await navigate('/sign-in');
  };
  return (
    <>
      <span className="signed-in-as">{email}</span>
      <Button look="quiet" isPending={isPending} onPress={() => void leave()}>
        Sign out
      </Button>
    </>
  );
}

/** A new page is read from its beginning. What is below it (`/account/sessions`) is a part of the same page. */
function useFocusOn(page: string | undefined) {
  const content = useRef<HTMLElement>(null);
  const shown = useRef(page);
  useEffect(() => {
    if (shown.current !== page) content.current?.focus();
    shown.current = page;
  }, [page]);
  return content;
}
