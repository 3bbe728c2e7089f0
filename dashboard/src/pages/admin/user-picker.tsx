import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import {
  Button,
  ComboBox,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
} from 'react-aria-components';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import type { User } from '../../api/types.js';

const SETTLED_MS = 250;
const OFFERED = 10;

interface UserPickerProps {
  readonly label: string;
  readonly isRequired?: boolean;
  readonly autoFocus?: boolean;
  readonly onPick: (user: User | null) => void;
}

/** Somebody by a part of their e-mail address; the server looks for them. */
export function UserPicker({ label, onPick, ...props }: UserPickerProps) {
  const [typed, setTyped] = useState('');
  const q = useSettled(typed.trim()) || undefined;
  const { data, isError } = useQuery({
    queryKey: ['admin', 'users', 'picker', q],
    queryFn: () => answerOf(api.GET('/v1/admin/users', { params: { query: { q, limit: OFFERED } } })),
    placeholderData: keepPreviousData,
  });
  const users = data?.users ?? [];
  return (
    <ComboBox
      {...props}
      className="field choice"
      items={users}
      inputValue={typed}
      onInputChange={setTyped}
      onSelectionChange={(key) => onPick(users.find(({ id }) => id === key) ?? null)}
      // The server has done that.
      defaultFilter={() => true}
      menuTrigger="focus"
      allowsEmptyCollection
    >
      <Label>{label}</Label>
      <div className="picker">
        <Input placeholder="Part of the e-mail" autoComplete="off" />
        <Button className="button button-plain" aria-label="Show users">
          <span aria-hidden="true">▾</span>
        </Button>
      </div>
      <FieldError className="field-error" />
      <Popover className="popover">
        <ListBox
          className="options"
          renderEmptyState={() => (
            <p className="hint option">{isError ? 'Users cannot be asked for.' : 'Nobody found.'}</p>
          )}
        >
          {(user: User) => (
            <ListBoxItem id={user.id} textValue={user.email} className="option breakable">
              {user.email}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}

function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
