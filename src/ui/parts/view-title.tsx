import { Title, type TitleProps } from '@mantine/core';
import { useEffect, useRef } from 'react';

/**
 * The heading of a view. Who comes to the view from another one finds the keyboard, and a screen reader, at it: what was
 * pressed to come there is gone, and the browser would begin anew at the top of the page. Who loads the page begins there.
 */
let isAwaited = false;

export function ViewTitle(props: Omit<TitleProps, 'order'> & { children: React.ReactNode }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (!isAwaited) return;
    isAwaited = false;
    if (isLost(document.activeElement)) ref.current!.focus({ preventScroll: true });
  }, []);
  return <Title {...props} order={1} ref={ref} tabIndex={-1} style={{ outline: 'none', overflowWrap: 'anywhere' }} />;
}

/** `view` is which view is shown: the focus moves when it is another one, and has not moved into it by itself. */
export function useFocusOfView(view: string, mainId: string): void {
  const shown = useRef(view);
  useEffect(() => {
    if (shown.current === view) return;
    shown.current = view;
    const main = document.getElementById(mainId);
    // Who is signed out sees no view.
    if (!main) return;
    const { activeElement } = document;
    if (main !== activeElement && main.contains(activeElement) && activeElement!.checkVisibility()) return;
    // While the files of a view are on their way, the view before is kept, unseen.
    const heading = [...main.querySelectorAll('h1')].find((one) => one.checkVisibility());
    // Until its title comes: a view may still be on its way.
    isAwaited = heading === undefined;
    (heading ?? main).focus({ preventScroll: true });
  }, [view, mainId]);
}

/** Nothing that somebody would miss has the focus. */
export const isLost = (element: Element | null): boolean =>
  element === null || element === document.body || element.matches('main');

/** For who has done away with what had the keyboard. */
export function findFocus(): void {
  if (isLost(document.activeElement)) document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
}
