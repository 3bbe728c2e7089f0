import type { ReactNode, Ref } from 'react';

interface SectionProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Beside the title. */
  readonly action?: ReactNode;
  /** For who has removed what the focus was on. */
  readonly headingRef?: Ref<HTMLHeadingElement>;
}

/** A part of the account page. */
export function Section({ title, children, action, headingRef }: SectionProps) {
  return (
    <section className="card" aria-label={title}>
      <div className="section-head">
        <h2 ref={headingRef} tabIndex={-1}>
          {title}
        </h2>
        {action}
      </div>
      {children}
    </section>
  );
}
