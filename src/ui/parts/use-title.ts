import { useEffect } from 'react';

/** The name of the view, in the title of the window. */
export function useTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} – Mailtide`;
  }, [name]);
}
