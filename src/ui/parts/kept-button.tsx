import type { ComponentProps } from 'react';

/**
 * What a Button is made of where it keeps the keyboard while it is `loading`: `<Button component={KeptButton} loading>`. A
 * browser takes the focus from an element that is disabled, and does not give it back.
 */
export function KeptButton({ disabled, onClick, ...others }: ComponentProps<'button'>) {
  return (
    <button type="button" {...others} aria-disabled={disabled || undefined} onClick={disabled ? undefined : onClick} />
  );
}
