import { type ReactNode, useId } from 'react';
import { Bar, BarChart, Cell, LabelList, ResponsiveContainer, XAxis, YAxis } from 'recharts';

/** A part of a whole; told from the others by name and pattern as well as by colour. */
export interface Share {
  readonly name: string;
  readonly value: number;
  readonly kind: 'plain' | 'striped' | 'dotted';
}

const ROW_PX = 44;

interface ChartProps {
  readonly shares: readonly Share[];
  /** Where the axis ends. */
  readonly total: number;
}

export function Chart({ shares, total }: ChartProps) {
  const id = useId();
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  return (
    <div className="chart" aria-hidden="true">
      <ResponsiveContainer width="100%" height={shares.length * ROW_PX}>
        <BarChart
          layout="vertical"
          data={shares as Share[]}
          margin={{ top: 0, right: 48, bottom: 0, left: 0 }}
          accessibilityLayer={false}
        >
          <defs>
            <Pattern id={`${id}striped`} kind="striped">
              <path d="M-2 2 2 -2M0 8 8 0M6 10 10 6" className="chart-ink" />
            </Pattern>
            <Pattern id={`${id}dotted`} kind="dotted">
              <circle cx="4" cy="4" r="1.6" className="chart-dot" />
            </Pattern>
          </defs>
          <XAxis type="number" domain={[0, Math.max(1, total)]} hide />
          <YAxis type="category" dataKey="name" width={125} axisLine={false} tickLine={false} />
          <Bar dataKey="value" isAnimationActive={!isStill} radius={4} className="chart-bar">
            {shares.map(({ name, kind }) => (
              <Cell
                key={name}
                className={`chart-${kind}`}
                fill={kind === 'plain' ? 'var(--chart-plain)' : `url(#${id}${kind})`}
              />
            ))}
            <LabelList dataKey="value" position="right" />
          </Bar>
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}

interface PatternProps {
  readonly id: string;
  readonly kind: Share['kind'];
  readonly children: ReactNode;
}

function Pattern({ id, kind, children }: PatternProps) {
  return (
    <pattern id={id} width="8" height="8" patternUnits="userSpaceOnUse">
      <rect width="8" height="8" className={`chart-ground-${kind}`} />
      {children}
    </pattern>
  );
}
