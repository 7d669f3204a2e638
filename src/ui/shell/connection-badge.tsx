import { Badge, VisuallyHidden } from '@mantine/core';
import { useConnection } from '../api/connection.ts';
import classes from './shell.module.css';

/** Warns while the page may be out of date. Shows nothing while it is connected. */
export function ConnectionBadge() {
  const { state, connects } = useConnection();
  return (
    <div role="status">
      {state === 'OFFLINE' && (
        <Badge color="orange" variant="light" tt="none" miw="max-content" title="Offline, reconnecting">
          Offline<span className={classes['more']}>, reconnecting</span>
        </Badge>
      )}
      {state === 'CONNECTED' && connects > 1 && <VisuallyHidden>Reconnected</VisuallyHidden>}
    </div>
  );
}
