import type { Ref } from 'react';
import {
  FieldError,
  Input,
  type InputProps,
  Label,
  Text,
  TextField,
  type TextFieldProps,
} from 'react-aria-components';

export interface FieldProps extends TextFieldProps, Pick<InputProps, 'placeholder'> {
  readonly label: string;
  readonly hint?: string;
  readonly inputRef?: Ref<HTMLInputElement>;
}

/** A labelled input. What the server says about it comes through the form's `validationErrors`, by `name`. */
export function Field({ label, hint, placeholder, inputRef, ...props }: FieldProps) {
  return (
    <TextField {...props} className="field">
      <Label>{label}</Label>
      <Input ref={inputRef} placeholder={placeholder} />
      {hint !== undefined && (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError className="field-error" />
    </TextField>
  );
}
