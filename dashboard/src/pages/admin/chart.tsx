/** A part of a whole; told from the others by name and pattern as well as by colour. */
export interface Share {
  readonly name: string;
  readonly value: number;
  readonly kind: 'plain' | 'striped' | 'dotted';
}

interface ChartProps {
  readonly shares: readonly Share[];
  /** Where the axis ends. */
  readonly total: number;
}

/** A bar for each: for the eye only, whoever uses it says the same in words. */
export function Chart({ shares, total }: ChartProps) {
  return (
    <div className="chart" aria-hidden="true">
      {shares.map(({ name, value, kind }) => (
        <div key={name} className="chart-row">
          <span className="chart-name">{name}</span>
          <div className="chart-lane">
            {value > 0 && (
              <div className={`chart-bar share-${kind}`} style={{ flexBasis: `${(100 * value) / total}%` }} />
            )}
            <span>{value}</span>
          </div>
        </div>
      ))}
    </div>
  );
}
