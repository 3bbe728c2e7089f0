import type { ReactNode } from 'react';

interface NoticeProps {
  readonly tone?: 'information' | 'warning' | 'error' | 'success';
  readonly children: ReactNode;
}

/** Something to know about the page as it is now. Errors interrupt a screen reader, the rest waits for its turn. */
export function Notice({ tone = 'information', children }: NoticeProps) {
  return (
    <div className={`notice notice-${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}
