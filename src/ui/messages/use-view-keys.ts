import { useHotkeys } from '@mantine/hooks';

/** Inputs that take no letters. */
const SWITCHES = ['radio', 'checkbox'];

/** Keys that mean something wherever the keyboard is in a view, but where one types. */
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
