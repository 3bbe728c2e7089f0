import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button.js';

interface PageBoundaryProps {
  readonly children: ReactNode;
}

/**
 * Holds what goes wrong in a page to that page. The usual cause is none of its own: a newer dashboard has been put in
 * place, and the files that this one would load next are gone.
 */
export class PageBoundary extends Component<PageBoundaryProps, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <div className="state state-failed" role="alert">
        <h1>This page could not be shown</h1>
        <p>There may be a newer version of it, or the server cannot be reached.</p>
        <Button onPress={() => location.reload()}>Reload</Button>
      </div>
    );
  }
}
