import { Anchor } from '@mantine/core';
import { useLayoutEffect, useRef, useState } from 'react';

/** Cuts a text after `lines` lines. Returns its props, and a button that shows all of it. */
export function useClamped<Element extends HTMLElement>(lines: number) {
  const ref = useRef<Element>(null);
  const [isOpen, setOpen] = useState(false);
  const [isCut, setCut] = useState(false);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element || isOpen) return;
    const measure = () => setCut(element.scrollHeight > element.clientHeight + 1);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [isOpen]);
  const showAll = (isCut || isOpen) && (
    <Anchor component="button" type="button" size="xs" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
      {isOpen ? 'Show less' : 'Show all'}
    </Anchor>
  );
  return { ref, showAll, ...(isOpen ? {} : { lineClamp: lines }) };
}
