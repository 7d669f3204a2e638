import { Title, type TitleProps } from '@mantine/core';
import { useEffect, useRef } from 'react';

/**
 * The heading of a view. It receives the focus when the user comes from another view, because the control that led
 * there is gone, and the browser would start at the top of the page. After a page load, the focus starts at the top.
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

/** Moves the focus to the heading when `view` changes, unless the focus is already inside the view. */
export function useFocusOfView(view: string, mainId: string): void {
  const shown = useRef(view);
  useEffect(() => {
    if (shown.current === view) return;
    shown.current = view;
    const main = document.getElementById(mainId);
    // A signed-out user sees no view.
    if (!main) return;
    const { activeElement } = document;
    if (main !== activeElement && main.contains(activeElement) && activeElement!.checkVisibility()) return;
    // While the file of a view loads, the previous view stays in the document, hidden.
    const heading = [...main.querySelectorAll('h1')].find((one) => one.checkVisibility());
    // If the view is still loading, its title takes the focus when it appears.
    isAwaited = heading === undefined;
    (heading ?? main).focus({ preventScroll: true });
  }, [view, mainId]);
}

/** True if nothing useful has the focus. */
export const isLost = (element: Element | null): boolean =>
  element === null || element === document.body || element.matches('main');

/** Moves the focus to the heading if the element that had it is gone. */
export function findFocus(): void {
  if (isLost(document.activeElement)) document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
}
