import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { hasCode } from '../../api/problem.js';
import type { Item, ItemType } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Field } from '../../ui/field.js';
import { Notice } from '../../ui/notice.js';
import { Failed, Loading } from '../../ui/states.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { toast } from '../../ui/toasts.js';
import { changeItem, LIST_KEY, readItem, type Tagged } from './items.js';
import { ITEM_TYPES } from '../../ui/type-badge.js';

interface EditItemProps {
  readonly id: number;
  readonly onClose: () => void;
}

/** In the place of the card. What is edited is what the server has now, not what the list has shown for a while. */
export function EditItem({ id, onClose }: EditItemProps) {
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: ['item', id],
    queryFn: () => readItem(id),
    // Not while somebody is typing.
    refetchOnWindowFocus: false,
    gcTime: 0,
  });
  if (data !== undefined) return <EditForm stored={data} onClose={onClose} />;
  if (error === null) return <Loading label="Reading the item…" />;
  if (hasCode(error, 'ITEM_NOT_FOUND'))
    return (
      <div className="item-body">
        <Notice tone="error">It was deleted meanwhile.</Notice>
        <Button onPress={() => void queries.invalidateQueries({ queryKey: LIST_KEY }).then(onClose)}>
          Close
        </Button>
      </div>
    );
  return (
    <div className="item-body">
      <Failed error={error} onRetry={() => void refetch()} />
      <Button onPress={onClose}>Close</Button>
    </div>
  );
}

interface EditFormProps {
  readonly stored: Tagged;
  readonly onClose: () => void;
}

function EditForm({ stored, onClose }: EditFormProps) {
  const queries = useQueryClient();
  const { id } = stored.item;
  const [title, setTitle] = useState(stored.item.title);
  const [type, setType] = useState<ItemType>(stored.item.type);
  /** What somebody else has made of it meanwhile; what is saved next replaces that. */
  const [theirs, setTheirs] = useState<Tagged | null>(null);

  const finish = async () => {
    onClose();
    await queries.invalidateQueries({ queryKey: LIST_KEY });
  };
  const save = async () => {
    try {
      await send();
    } catch (error) {
      if (!hasCode(error, 'ITEM_NOT_FOUND')) throw error;
      toast({ text: `“${stored.item.title}” was deleted meanwhile.`, tone: 'error' });
      await finish();
    }
  };
  /** @throws ApiProblem 404 when it is gone, also when that happens between being refused and reading why */
  const send = async () => {
    try {
      const { item } = await changeItem(id, { title, type }, (theirs ?? stored).etag);
      toast({ text: `“${item.title}” is saved.` });
    } catch (error) {
      if (!hasCode(error, 'PRECONDITION_FAILED')) throw error;
      return setTheirs(await readItem(id));
    }
    await finish();
  };
  /** As it was, or as somebody else has made it. */
  const leave = () => void (theirs === null ? onClose() : finish());
  return (
    <div
      className="item-body"
      role="group"
      aria-label={`Edit ${stored.item.title}`}
      onKeyDown={(event) => {
        // With an input method, Escape takes back what is being composed.
        if (event.key === 'Escape' && !event.nativeEvent.isComposing) leave();
      }}
    >
      {theirs !== null && <Conflict theirs={theirs.item} />}
      <SubmitForm
        submitLabel={theirs === null ? 'Save' : 'Keep mine'}
        onSubmit={save}
        actions={<Button onPress={leave}>{theirs === null ? 'Cancel' : 'Take theirs'}</Button>}
      >
        <Field
          label="Title"
          name="title"
          value={title}
          onChange={setTitle}
          maxLength={255}
          autoComplete="off"
          autoFocus
          isRequired
        />
        <Choice label="Type" options={ITEM_TYPES} value={type} onChange={setType} />
      </SubmitForm>
    </div>
  );
}

function Conflict({ theirs }: { readonly theirs: Item }) {
  return (
    <Notice tone="error">
      It has been changed meanwhile, in another tab or by somebody else. It is now “{theirs.title}” (
      {ITEM_TYPES[theirs.type].toLowerCase()}).
    </Notice>
  );
}
