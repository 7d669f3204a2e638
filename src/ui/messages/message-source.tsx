import { Anchor, Button, Group, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { bytes } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Loading } from '../parts/states.tsx';
import classes from './messages.module.css';

/** Bytes of the source that are shown, because readers mostly need the header. */
const SHOWN = 200_000;

/** The source of the message, as received. */
export function MessageSource({ url, size }: { url: string; size: number }) {
  const [source, setSource] = useState<string | null>(null);
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const aborted = new AbortController();
    setFailed(false);
    read(url, aborted.signal).then(setSource, () => {
      if (!aborted.signal.aborted) setFailed(true);
    });
    return () => aborted.abort();
  }, [url, attempt]);

  return (
    <>
      <Group className={classes['note']} gap="xs" justify="space-between">
        <Text size="xs" className={classes['quiet']}>
          {size > SHOWN ? `The first ${bytes(SHOWN)} of ${bytes(size)}` : bytes(size)}, as received
        </Text>
        <Anchor href={url} download size="xs" className={classes['save']}>
          <Icon name="download" size={14} /> Save the source
        </Anchor>
      </Group>
      {failed && (
        <p className={classes['without']} role="alert">
          The source could not be loaded.{' '}
          <Button size="compact-xs" variant="default" onClick={() => setAttempt(attempt + 1)}>
            Try again
          </Button>
        </p>
      )}
      {source === null && !failed && <Loading what="Loading the source" />}
      {source !== null && (
        <section className={classes['source']} aria-label="Source of the message">
          {source}
        </section>
      )}
    </>
  );
}

/** Reads the source as Latin-1, because it is bytes, whatever charsets its parts declare. */
async function read(url: string, signal: AbortSignal): Promise<string> {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const whole = await answer.arrayBuffer();
  return new TextDecoder('latin1').decode(whole.slice(0, SHOWN));
}
