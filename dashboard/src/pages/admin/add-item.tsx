import { useState } from 'react';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import type { ItemType, User } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Dialog } from '../../ui/dialog.js';
import { Field } from '../../ui/field.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { toast } from '../../ui/toasts.js';
import { ITEM_TYPES } from '../../ui/type-badge.js';
import { UserPicker } from './user-picker.js';

interface AddItemProps {
  readonly onDone: () => Promise<void>;
  readonly onClose: () => void;
}

export function AddItem({ onDone, onClose }: AddItemProps) {
  const [owner, setOwner] = useState<User | null>(null);
  const [type, setType] = useState<ItemType>('movie');
  const add = async ({ title = '' }: Readonly<Record<string, string>>) => {
    // The field is required: the form is not sent without.
    if (owner === null) return;
    const body = { user_id: owner.id, title, type };
    const { item } = await answerOf(api.POST('/v1/admin/watchlists/items', { body }));
    await onDone();
    toast({ text: `On the list of ${item.owner.email}: ${item.title}.` });
  };
  return (
    <Dialog title="Add for a user" onClose={onClose}>
      <SubmitForm submitLabel="Add" onSubmit={add} actions={<Button onPress={onClose}>Cancel</Button>}>
        <UserPicker label="For" isRequired autoFocus onPick={setOwner} />
        <Field label="Title" name="title" maxLength={255} autoComplete="off" isRequired />
        <Choice label="Type" options={ITEM_TYPES} value={type} onChange={setType} />
      </SubmitForm>
    </Dialog>
  );
}
