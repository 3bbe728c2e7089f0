import { Menu, MenuItem, MenuTrigger, Popover, Separator } from 'react-aria-components';
import { useNavigate } from 'react-router';
import type { User } from '../../api/types.js';
import { Button } from '../../ui/button.js';

export type UserTask = 'role' | 'standing' | 'link';

interface UserMenuProps {
  readonly user: User;
  readonly onTask: (task: UserTask) => void;
}

/** What can be done to somebody, and what there is of theirs. */
export function UserMenu({ user: { id, email, role, disabled }, onTask }: UserMenuProps) {
  const navigate = useNavigate();
  const go = (path: string) => () => void navigate(path);
  return (
    <MenuTrigger>
      <Button look="quiet" aria-label={`Actions for ${email}`}>
        Actions <span aria-hidden="true">▾</span>
      </Button>
      <Popover className="popover" placement="bottom end">
        <Menu className="options" aria-label={`Actions for ${email}`}>
          <MenuItem className="option" onAction={() => onTask('role')}>
            {role === 'admin' ? 'Make a user…' : 'Make an administrator…'}
          </MenuItem>
          <MenuItem className="option" onAction={() => onTask('standing')}>
            {disabled ? 'Enable…' : 'Disable…'}
          </MenuItem>
          {!disabled && (
            <MenuItem className="option" onAction={() => onTask('link')}>
              Link to a new password…
            </MenuItem>
          )}
          <Separator className="separator" />
          <MenuItem className="option" onAction={go(`/admin/items?user_id=${id}`)}>
            Their items
          </MenuItem>
          <MenuItem className="option" onAction={go(`/admin/audit?actor_id=${id}`)}>
            What they did
          </MenuItem>
          <MenuItem className="option" onAction={go(`/admin/audit?resource_type=user&resource_id=${id}`)}>
            What was done to them
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
