import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import type { ItemType } from '../../api/types.js';
import { Choice } from '../../ui/choice.js';
import { Field } from '../../ui/field.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { toast } from '../../ui/toasts.js';
import { addItem, LIST_KEY } from './items.js';
import { ITEM_TYPES } from '../../ui/type-badge.js';

export function AddItem() {
  const queries = useQueryClient();
  const [title, setTitle] = useState('');
  const [type, setType] = useState<ItemType>('movie');
  const input = useRef<HTMLInputElement>(null);
  const add = async () => {
    const item = await addItem({ title, type });
    toast({ text: `“${item.title}” is on your list.` });
    setTitle('');
    // For the next one.
    input.current?.focus();
    await queries.invalidateQueries({ queryKey: LIST_KEY });
  };
  return (
    <section className="card add-item" aria-label="Add to the list">
      <SubmitForm submitLabel="Add" onSubmit={add}>
        <Field
          label="Title"
          name="title"
          inputRef={input}
          value={title}
          onChange={setTitle}
          maxLength={255}
          autoComplete="off"
          isRequired
        />
        <Choice label="Type" options={ITEM_TYPES} value={type} onChange={setType} />
      </SubmitForm>
    </section>
  );
}
