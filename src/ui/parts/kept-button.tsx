import type { ComponentProps } from 'react';

/**
 * A button that keeps the focus while it is `loading`: `<Button component={KeptButton} loading>`. A browser takes the
 * focus from a disabled element and does not restore it.
 */
export function KeptButton({ disabled, onClick, ...others }: ComponentProps<'button'>) {
  return (
    <button type="button" {...others} aria-disabled={disabled || undefined} onClick={disabled ? undefined : onClick} />
  );
}
