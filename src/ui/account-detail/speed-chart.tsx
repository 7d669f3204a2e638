import { Group, Text } from '@mantine/core';
import type { Sample } from '../api/activity.ts';
import { exactTime, number, timeOf } from '../parts/format.ts';
import { useNow } from '../parts/time.tsx';
import classes from './account.module.css';

const WIDTH = 600;
const HEIGHT = 100;
/** With fewer points, the line shows nothing useful. */
const ENOUGH = 3;

/**
 * Messages per second since this tab started to watch. The caption gives that time, because the service stores no
 * speeds, and the run may be much older. No chart library is needed for one line.
 */
export function SpeedChart({ samples }: { samples: readonly Sample[] }) {
  const now = useNow();
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || samples.length < ENOUGH) return null;
  const top = Math.max(...samples.map(({ messagesPerSecond }) => messagesPerSecond), 1);
  const x = (at: number) => ((at - first.at) / (last.at - first.at)) * WIDTH;
  const y = (speed: number) => HEIGHT - (speed / top) * (HEIGHT - 4);
  const line = samples
    .map(({ at, messagesPerSecond }) => `${x(at).toFixed(1)},${y(messagesPerSecond).toFixed(1)}`)
    .join('L');
  return (
    <figure style={{ margin: 0 }}>
      <Group justify="space-between" component="figcaption">
        <Text size="xs" c="dimmed">
          Messages per second, watched since <time dateTime={isoOf(first.at)}>{timeOf(isoOf(first.at), now)}</time>
        </Text>
        <Text size="xs" c="dimmed">
          at most {number(top)}
        </Text>
      </Group>
      <svg
        className={classes['chart']}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Messages per second since ${exactTime(isoOf(first.at))}: ${number(last.messagesPerSecond)} now, at most ${number(top)}`}
      >
        <path data-area="" d={`M0,${HEIGHT}L${line}L${WIDTH},${HEIGHT}Z`} />
        <path d={`M${line}`} />
      </svg>
    </figure>
  );
}

const isoOf = (time: number): string => new Date(time).toISOString();
