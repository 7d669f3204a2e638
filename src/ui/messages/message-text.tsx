import { Button } from '@mantine/core';
import { Fragment, type ReactNode, useMemo, useState } from 'react';
import classes from './messages.module.css';

/** Characters that are shown at first. Longer texts are usually logs, and rendering one takes seconds. */
const SHOWN = 100_000;
const LINK = /(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/;

export function MessageText({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? text : text.slice(0, SHOWN);
  const lines = useMemo(() => shown.split('\n').map(lineOf), [shown]);
  if (text.trim() === '') return <p className={classes['without']}>This message has no text.</p>;
  return (
    <section className={classes['text']} aria-label="Text of the message">
      {lines}
      {shown.length < text.length && (
        <Button size="compact-sm" variant="default" onClick={() => setWhole(true)}>
          Show the rest
        </Button>
      )}
    </section>
  );
}

/** Renders a line, with links, and marked if it is quoted. Lines and pieces differ only by their position. */
function lineOf(line: string, i: number): ReactNode {
  const pieces = line.split(LINK).map((piece, k) =>
    k % 2 === 1 ? (
      <a key={`${k}`} href={piece} dir="ltr" target="_blank" rel="noopener noreferrer nofollow">
        {piece}
      </a>
    ) : (
      <Fragment key={`${k}`}>{piece}</Fragment>
    ),
  );
  return (
    <div key={`${i}`} dir="auto" data-quoted={/^\s?>/.test(line) || undefined}>
      {line === '' ? <br /> : pieces}
    </div>
  );
}
