import { useState } from 'react';
import { Checkbox, CheckboxGroup, FieldError, Label } from 'react-aria-components';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import type { NewPersonalToken, Scope } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Choice } from '../../ui/choice.js';
import { Dialog } from '../../ui/dialog.js';
import { Field } from '../../ui/field.js';
import { ShownOnce } from '../../ui/shown-once.js';
import { SubmitForm } from '../../ui/submit-form.js';

const SCOPES: Readonly<Record<Scope, string>> = {
  'items:read': 'Read the list',
  'items:write': 'Add, change and delete items',
  'profile:read': 'Read e-mail address and role',
};

const LIFETIMES = { '7': '7 days', '30': '30 days', '90': '90 days', '365': 'A year', never: 'No end' };
type Lifetime = keyof typeof LIFETIMES;

interface NewTokenProps {
  readonly onMade: () => Promise<void>;
  readonly onClose: () => void;
}

export function NewToken({ onMade, onClose }: NewTokenProps) {
  const [scopes, setScopes] = useState<Scope[]>(['items:read']);
  const [lifetime, setLifetime] = useState<Lifetime>('90');
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<NewPersonalToken | null>(null);
  const make = async ({ name = '' }: Readonly<Record<string, string>>) => {
    const expiry = lifetime === 'never' ? {} : { expires_in_days: Number(lifetime) };
    setMaking(true);
    try {
      setMade(await answerOf(api.POST('/v1/auth/tokens', { body: { name, scopes, ...expiry } })));
    } finally {
      setMaking(false);
      // Also when the answer did not arrive: there may be one that nobody has seen.
      void onMade();
    }
  };
  if (made !== null)
    return (
      <ShownOnce
        title={`Token “${made.name}”`}
        what="Token"
        text={made.token}
        warning="Whoever has it can do what it is good for, so keep it as you would keep a password."
        onClose={onClose}
      />
    );
  return (
    // Closed while it is being made, it would never be seen.
    <Dialog title="New personal token" isDismissable={!isMaking} onClose={onClose}>
      <SubmitForm
        submitLabel="Make token"
        onSubmit={make}
        actions={
          <Button isDisabled={isMaking} onPress={onClose}>
            Cancel
          </Button>
        }
      >
        <Field
          label="Name"
          name="name"
          hint="What it is for, so that you know which one to revoke."
          autoComplete="off"
          maxLength={100}
          autoFocus
          isRequired
        />
        <CheckboxGroup
          className="field"
          name="scopes"
          value={scopes}
          onChange={(chosen) => setScopes(chosen as Scope[])}
          isRequired
        >
          <Label>Good for</Label>
          {(Object.entries(SCOPES) as [Scope, string][]).map(([scope, text]) => (
            <Checkbox key={scope} value={scope} className="checkbox">
              <span className="checkbox-box" aria-hidden="true" />
              <span>
                {text} <code className="hint">{scope}</code>
              </span>
            </Checkbox>
          ))}
          <FieldError className="field-error" />
        </CheckboxGroup>
        <Choice label="Good for how long" options={LIFETIMES} value={lifetime} onChange={setLifetime} />
      </SubmitForm>
    </Dialog>
  );
}
