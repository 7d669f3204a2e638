import { Box } from '@mantine/core';
import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { isLost } from './view-title.tsx';

/** Around a button in whose place another one, or a link, may come: the keyboard goes on to it. */
export function KeptPlace({ children }: { children: ReactNode }) {
  const ref = useRef<HTMLSpanElement>(null);
  const hasFocus = useRef(false);
  useLayoutEffect(() => {
    if (hasFocus.current && isLost(document.activeElement))
      ref.current?.querySelector<HTMLElement>('a, button')?.focus();
  });
  return (
    <Box
      component="span"
      ref={ref}
      display="contents"
      onFocus={() => {
        hasFocus.current = true;
      }}
      onBlur={({ currentTarget }) => {
        // It keeps the focus while its window has none.
        hasFocus.current = currentTarget.contains(document.activeElement);
      }}
    >
      {children}
    </Box>
  );
}
