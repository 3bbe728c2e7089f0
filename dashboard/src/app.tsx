import { lazy, Suspense } from 'react';
import { BrowserRouter, Route, Routes } from 'react-router';
import { AdminsOnly, SignedInOnly, SignedOutOnly } from './layout/guards.js';
import { Shell } from './layout/shell.js';
import { ForgotPage } from './pages/entrance/forgot.js';
import { RegisterPage } from './pages/entrance/register.js';
import { ResetPage } from './pages/entrance/reset.js';
import { SignInPage } from './pages/entrance/sign-in.js';
import { ListPage } from './pages/list/list.js';
import { NotFoundPage } from './pages/not-found.js';
import { Loading } from './ui/states.js';

// The list is what most come for: nobody waits for the rest.
const AccountPage = lazy(async () => ({
  default: (await import('./pages/account/account.js')).AccountPage,
}));
const AdminPage = lazy(async () => ({ default: (await import('./pages/admin/admin.js')).AdminPage }));

/** Every page, and who it is for. */
export function App() {
  return (
    <BrowserRouter basename="/dashboard">
      <Routes>
        <Route element={<Shell />}>
          <Route element={<SignedOutOnly />}>
            <Route path="sign-in" element={<SignInPage />} />
            <Route path="register" element={<RegisterPage />} />
            <Route path="forgot" element={<ForgotPage />} />
          </Route>
          <Route path="reset" element={<ResetPage />} />
          <Route element={<SignedInOnly />}>
            <Route index element={<ListPage />} />
            <Route
              path="account/*"
              element={
                <Suspense fallback={<Loading />}>
                  <AccountPage />
                </Suspense>
              }
            />
            <Route element={<AdminsOnly />}>
              <Route
                path="admin/*"
                element={
                  <Suspense fallback={<Loading />}>
                    <AdminPage />
                  </Suspense>
                }
              />
            </Route>
          </Route>
          <Route path="*" element={<NotFoundPage />} />
        </Route>
      </Routes>
    </BrowserRouter>
  );
}
