import { useState } from 'react';
import { FieldError, Input, Label, Text, TextField } from 'react-aria-components';
import { Button } from './button.js';
import { PASSWORD_RULE } from './password-rule.js';

interface PasswordFieldProps {
  readonly label: string;
  readonly name: string;
  readonly autoFocus?: boolean;
}

/** For a new password: it can be looked at, which is better than typing it twice. */
export function PasswordField({ label, ...props }: PasswordFieldProps) {
  const [isShown, setShown] = useState(false);
  return (
    <TextField
      {...props}
      className="field"
      type={isShown ? 'text' : 'password'}
      autoComplete="new-password"
      spellCheck="false"
      minLength={8}
      isRequired
    >
      <Label>{label}</Label>
      <div className="input-with-button">
        <Input />
        <Button look="quiet" onPress={() => setShown(!isShown)}>
          {isShown ? 'Hide' : 'Show'}
          <span className="visually-hidden"> characters</span>
        </Button>
      </div>
      <Text slot="description" className="hint">
        {PASSWORD_RULE}
      </Text>
      <FieldError className="field-error" />
    </TextField>
  );
}
