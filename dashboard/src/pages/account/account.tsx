import { NavLink, Route, Routes } from 'react-router';
import { useTitle } from '../../ui/title.js';
import { NotFoundPage } from '../not-found.js';
import { Profile } from './profile.js';
import { Sessions } from './sessions.js';
import { Tokens } from './tokens.js';
import './account.css';

export function AccountPage() {
  useTitle('Account');
  return (
    <>
      <h1>Account</h1>
      <div className="account">
        <nav className="account-navigation" aria-label="Account">
          <NavLink to="/account" end>
            Profile
          </NavLink>
          <NavLink to="/account/sessions">Sessions</NavLink>
          <NavLink to="/account/tokens">Personal tokens</NavLink>
        </nav>
        <div className="account-sections">
          <Routes>
            <Route index element={<Profile />} />
            <Route path="sessions" element={<Sessions />} />
            <Route path="tokens" element={<Tokens />} />
            <Route path="*" element={<NotFoundPage />} />
          </Routes>
        </div>
      </div>
    </>
  );
}
