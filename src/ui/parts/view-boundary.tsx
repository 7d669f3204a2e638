import { Button } from '@mantine/core';
import { Component, type ReactNode, useCallback, useRef } from 'react';
import { useConnection, useReconnected } from '../api/connection.ts';
import { Empty } from './states.tsx';

/** Contains the failure of a view, so that the page survives and shows the next view. */
export class ViewBoundary extends Component<{ path: string; children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override componentDidUpdate({ path }: { path: string }) {
    if (this.state.failed && path !== this.props.path) this.setState({ failed: false });
  }

  override render() {
    return this.state.failed ? <BrokenView /> : this.props.children;
  }
}

/**
 * The file of a view is loaded on demand. That fails while the service is down, and the browser does not retry, so the
 * page reloads when the service is back. An update of the service also replaces the files.
 */
function BrokenView() {
  const { state } = useConnection();
  const wasOffline = useRef(state === 'OFFLINE').current;
  useReconnected(
    useCallback(() => {
      if (wasOffline) location.reload();
    }, [wasOffline]),
  );
  if (wasOffline)
    return <Empty title="The service cannot be reached">This view loads once the connection is back.</Empty>;
  return (
    <Empty
      title="This view could not be shown"
      action={<Button onClick={() => location.reload()}>Reload the page</Button>}
    >
      The service may have been updated.
    </Empty>
  );
}
