import { Navigate, NavLink, Route, Routes } from 'react-router';
import './admin.css';
import { AuditPage } from './audit.js';
import { ItemsPage } from './items.js';
import { OverviewPage } from './overview.js';
import { UsersPage } from './users.js';

/** Everybody's, for administrators. */
export function AdminPage() {
  return (
    <>
      <div className="admin-head">
        <h1>Admin</h1>
        <nav className="admin-navigation" aria-label="Admin">
          <NavLink to="/admin" end>
            Overview
          </NavLink>
          <NavLink to="/admin/users">Users</NavLink>
          <NavLink to="/admin/items">Items</NavLink>
          <NavLink to="/admin/audit">Audit log</NavLink>
        </nav>
      </div>
      <Routes>
        <Route index element={<OverviewPage />} />
        <Route path="users" element={<UsersPage />} />
        <Route path="items" element={<ItemsPage />} />
        <Route path="audit" element={<AuditPage />} />
        <Route path="*" element={<Navigate to="/admin" replace />} />
      </Routes>
    </>
  );
}
