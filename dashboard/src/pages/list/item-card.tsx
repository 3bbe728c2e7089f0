import { type KeyboardEvent, useRef, useState } from 'react';
import type { Item } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { EditItem } from './edit-item.js';
import { Poster } from './poster.js';
import { TypeBadge } from '../../ui/type-badge.js';

interface ItemCardProps {
  readonly item: Item;
  readonly onDelete: () => void;
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

export function ItemCard({ item, onDelete }: ItemCardProps) {
  const [isEditing, setEditing] = useState(false);
  const edit = useRef<HTMLButtonElement>(null);
  const close = () => {
    setEditing(false);
    // Where it was opened from; that button is there again after this turn.
    setTimeout(() => edit.current?.focus());
  };
  const press = (event: KeyboardEvent<HTMLElement>) => {
    // A key that is held down would delete one after the other, and each sends the one before.
    if (isEditing || event.repeat) return;
    // On one of its buttons, Enter is the button's.
    if (event.key === 'Enter' && event.target === event.currentTarget) setEditing(true);
    if (event.key === 'Delete') onDelete();
  };
  return (
    <li className="item" id={`item-${item.id}`} tabIndex={-1} onKeyDown={press}>
      <Poster title={item.title} />
      {isEditing ? (
        <EditItem id={item.id} onClose={close} />
      ) : (
        <div className="item-body">
          <h2 className="item-title">{item.title}</h2>
          <p className="item-facts">
            <TypeBadge type={item.type} />
            <span className="hint">
              added <time dateTime={item.created_at}>{day.format(new Date(item.created_at))}</time>
            </span>
          </p>
          <div className="item-actions">
            <Button
              ref={edit}
              look="quiet"
              aria-label={`Edit ${item.title}`}
              onPress={() => setEditing(true)}
            >
              Edit
            </Button>
            <Button look="quiet" aria-label={`Delete ${item.title}`} onPress={onDelete}>
              Delete
            </Button>
          </div>
        </div>
      )}
    </li>
  );
}
