import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { Empty } from './states.tsx';

/** A view that breaks says so, and does not take the page along. After an update of the service its files are others. */
export class ViewBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <Empty
        title="This view could not be shown"
        action={<Button onClick={() => location.reload()}>Load the page anew</Button>}
      >
        It may be that the service was updated meanwhile.
      </Empty>
    );
  }
}
