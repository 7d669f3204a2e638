import { Box } from '@mantine/core';
import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { isLost } from './view-title.tsx';

/** Wraps a button that another button or link may replace, and moves the focus to the replacement. */
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
        // The element stays active while the window has no focus.
        hasFocus.current = currentTarget.contains(document.activeElement);
      }}
    >
      {children}
    </Box>
  );
}
