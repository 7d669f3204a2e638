import { useEffect } from 'react';

/** Puts the name of the view into the window title. */
export function useTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} – Mailtide`;
  }, [name]);
}
