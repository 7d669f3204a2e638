import { Badge, VisuallyHidden } from '@mantine/core';
import { useConnection } from '../api/connection.ts';
import classes from './shell.module.css';

/** Says it when what is on the screen may be old; nobody needs to be told that all is well. */
export function ConnectionBadge() {
  const { state, connects } = useConnection();
  return (
    <div role="status">
      {state === 'OFFLINE' && (
        <Badge color="orange" variant="light" tt="none" miw="max-content" title="Offline, reconnecting">
          Offline<span className={classes['more']}>, reconnecting</span>
        </Badge>
      )}
      {state === 'CONNECTED' && connects > 1 && <VisuallyHidden>Connected again</VisuallyHidden>}
    </div>
  );
}
