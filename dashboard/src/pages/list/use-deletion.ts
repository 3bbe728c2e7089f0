import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ApiProblem, hasCode, messageOf } from '../../api/problem.js';
import type { Item } from '../../api/types.js';
import { hold, sendUnsent, takeBack } from '../../api/unsent.js';
import { toast } from '../../ui/toasts.js';
import { deleteItem, forgetItem, LIST_KEY, readItem, type Tagged } from './items.js';
import type { Gone } from './shown.js';

/** Long enough to read the message and reach for the button; the toast waits while somebody is at it. */
const UNDO_MS = 6000;

interface Deletion {
  /** What is on its way out, and no longer shown. */
  readonly gone: readonly Gone[];
  readonly remove: (gone: Gone) => void;
}

/** Deletes with a time to think again: nothing is sent before it is over. */
export function useDeletion(): Deletion {
  const queries = useQueryClient();
  const [gone, setGone] = useState<readonly Gone[]>([]);
  const show = ({ id }: Item) => setGone((before) => before.filter(({ item }) => item.id !== id));

  // Whoever goes to another page has thought enough.
  useEffect(() => () => void sendUnsent(), []);

  const remove = (going: Gone) => {
    const { item } = going;
    setGone((before) => [...before, going]);
    // The tag is that of the item as it is when the button is pressed, and as it was shown.
    const seen = readAsShown(item);
    // Whether it works is asked when it is sent.
    seen.catch(() => undefined);
    hold(async () => {
      closeToast();
      try {
        await deleteItem(item.id, (await seen).etag);
        await forgetItem(queries, item);
        show(item);
        await queries.invalidateQueries({ queryKey: LIST_KEY });
      } catch (error) {
        // That it is gone already is what was wanted.
        if (!hasCode(error, 'ITEM_NOT_FOUND')) toast({ text: reasonOf(item, error), tone: 'error' });
        await queries.invalidateQueries({ queryKey: LIST_KEY });
        show(item);
      }
    });
    const closeToast = toast(
      {
        text: `“${item.title}” is deleted.`,
        action: {
          label: 'Undo',
          onPress: () => {
            takeBack();
            show(item);
          },
        },
      },
      { timeout: UNDO_MS, onClose: () => void sendUnsent() },
    );
  };
  return { gone, remove };
}

/** @throws ApiProblem 412 when it is not what the list shows */
async function readAsShown(item: Item): Promise<Tagged> {
  const now = await readItem(item.id);
  if (now.item.updated_at !== item.updated_at) {
    throw new ApiProblem(412, 'PRECONDITION_FAILED', 'It has been changed.', [], null, null);
  }
  return now;
}

function reasonOf({ title }: Item, error: unknown): string {
  return hasCode(error, 'PRECONDITION_FAILED')
    ? `“${title}” has been changed meanwhile, so it was not deleted.`
    : `“${title}” could not be deleted. ${messageOf(error)}`;
}
