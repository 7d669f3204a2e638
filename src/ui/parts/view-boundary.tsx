import { Button } from '@mantine/core';
import { Component, type ReactNode, useCallback, useRef } from 'react';
import { useConnection, useReconnected } from '../api/connection.ts';
import { Empty } from './states.tsx';

/** A view that breaks says so, and does not take the page along: the next one is shown again. */
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
 * A view is a file that comes when it is asked for. While the service is away it cannot, and the browser does not ask
 * again: so the page is loaded anew when the service is back. After an update of the service its files are others.
 */
function BrokenView() {
  const { state } = useConnection();
  const wasOffline = useRef(state === 'OFFLINE').current;
  useReconnected(
    useCallback(() => {
      if (wasOffline) location.reload();
    }, [wasOffline]),
  );
  if (wasOffline) return <Empty title="The service cannot be reached">This view comes as soon as it can be.</Empty>;
  return (
    <Empty
      title="This view could not be shown"
      action={<Button onClick={() => location.reload()}>Load the page anew</Button>}
    >
      It may be that the service was updated meanwhile.
    </Empty>
  );
}
