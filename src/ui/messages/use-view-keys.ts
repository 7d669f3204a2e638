import { useHotkeys } from '@mantine/hooks';

/** Input types that accept no letters. */
const SWITCHES = ['radio', 'checkbox'];

/** Handles keys anywhere in the view, except in text fields. */
export function useViewKeys(keys: Record<string, () => void>): void {
  useHotkeys(
    Object.entries(keys).map(([key, act]) => [
      key,
      (event) => {
        if (event.target instanceof HTMLInputElement && !SWITCHES.includes(event.target.type)) return;
        event.preventDefault();
        act();
      },
      { preventDefault: false },
    ]),
    ['TEXTAREA', 'SELECT'],
  );
}
