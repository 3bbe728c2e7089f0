import { useQuery } from '@tanstack/react-query';
import { etagOf } from '@watchlist/client';
import { type ReactNode, useState } from 'react';
import { api } from '../../api/client.js';
import { answerOf, hasCode, outcomeOf } from '../../api/problem.js';
import type { OwnedItem } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Dialog } from '../../ui/dialog.js';
import { Field } from '../../ui/field.js';
import { Notice } from '../../ui/notice.js';
import { Failed, Loading } from '../../ui/states.js';
import { SubmitForm } from '../../ui/submit-form.js';
import { toast } from '../../ui/toasts.js';
import { ITEM_TYPES } from '../../ui/type-badge.js';

interface ChangeProps {
  readonly id: number;
  readonly onDone: () => Promise<void>;
  readonly onClose: () => void;
}

export function EditItem({ id, onDone, onClose }: ChangeProps) {
  return (
    <Dialog title="Edit an item" onClose={onClose}>
      <CurrentItem id={id}>
        {(current) => <EditForm current={current} onDone={onDone} onClose={onClose} />}
      </CurrentItem>
    </Dialog>
  );
}

export function DeleteItem({ id, onDone, onClose }: ChangeProps) {
  return (
    <Dialog title="Delete this item?" role="alertdialog" onClose={onClose}>
      <CurrentItem id={id}>
        {(current) => <DeleteForm current={current} onDone={onDone} onClose={onClose} />}
      </CurrentItem>
    </Dialog>
  );
}

/** An item as it is now, and by which tag to change it only if it still is. */
interface Current {
  readonly item: OwnedItem;
  readonly etag: string;
  readonly reload: () => Promise<unknown>;
}

interface CurrentItemProps {
  readonly id: number;
  readonly children: (current: Current) => ReactNode;
}

function CurrentItem({ id, children }: CurrentItemProps) {
  const { data, error, refetch } = useQuery({
    queryKey: ['admin-item', id],
    queryFn: async () => {
      const asking = api.GET('/v1/admin/watchlists/items/{item_id}', { params: { path: { item_id: id } } });
      const { data: answer, response } = await outcomeOf(asking);
      // Without a tag nothing matches.
      return { item: answer.item, etag: etagOf(response) ?? '' };
    },
    // What is being looked at does not change under somebody's hands, and is not there the next time.
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    gcTime: 0,
  });
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  return children({ ...data, reload: refetch });
}

interface FormProps extends Omit<ChangeProps, 'id'> {
  readonly current: Current;
}

function EditForm({ current: { item, etag, reload }, onDone, onClose }: FormProps) {
  const [type, setType] = useState(item.type);
  const { isOvertaken, unlessOvertaken } = useOvertaking(reload);
  const save = ({ title = '' }: Readonly<Record<string, string>>) =>
    unlessOvertaken(async () => {
      const changed = await answerOf(
        api.PATCH('/v1/admin/watchlists/items/{item_id}', {
          params: { path: { item_id: item.id }, header: { 'If-Match': etag } },
          body: { title, type },
        }),
      );
      await onDone();
      toast({ text: `Saved: ${changed.item.title}.` });
    });
  return (
    <SubmitForm submitLabel="Save" onSubmit={save} actions={<Button onPress={onClose}>Cancel</Button>}>
      <p className="hint breakable">On the list of {item.owner.email}. The audit log will name you.</p>
      <Field label="Title" name="title" defaultValue={item.title} maxLength={255} isRequired autoFocus />
      <Choice label="Type" options={ITEM_TYPES} value={type} onChange={setType} />
      {isOvertaken && <Overtaken item={item}>Save again to replace that with yours.</Overtaken>}
    </SubmitForm>
  );
}

function DeleteForm({ current: { item, etag, reload }, onDone, onClose }: FormProps) {
  const { isOvertaken, unlessOvertaken } = useOvertaking(reload);
  const remove = () =>
    unlessOvertaken(async () => {
      await answerOf(
        api.DELETE('/v1/admin/watchlists/items/{item_id}', {
          params: { path: { item_id: item.id }, header: { 'If-Match': etag } },
        }),
      );
      await onDone();
      toast({ text: `Deleted: ${item.title}.` });
    });
  return (
    <SubmitForm
      submitLabel="Delete"
      submitLook="danger"
      onSubmit={remove}
      actions={<Button onPress={onClose}>Cancel</Button>}
    >
      <p className="breakable">
        <strong>{item.title}</strong> goes from the list of {item.owner.email} for good. The audit log will
        name you.
      </p>
      {isOvertaken && <Overtaken item={item}>Delete again if it is still to go.</Overtaken>}
    </SubmitForm>
  );
}

interface OvertakenProps {
  readonly item: OwnedItem;
  readonly children: ReactNode;
}

function Overtaken({ item, children }: OvertakenProps) {
  return (
    <Notice tone="warning">
      Meanwhile somebody else has changed it. Now it is “{item.title}” ({item.type}). {children}
    </Notice>
  );
}

/** Of two who change the same thing the second is shown what the first has made of it; what was typed stays. */
function useOvertaking(reload: () => Promise<unknown>) {
  const [isOvertaken, setOvertaken] = useState(false);
  const unlessOvertaken = async (change: () => Promise<void>) => {
    try {
      await change();
    } catch (error) {
      if (!hasCode(error, 'PRECONDITION_FAILED')) throw error;
      await reload();
      setOvertaken(true);
    }
  };
  return { isOvertaken, unlessOvertaken };
}
