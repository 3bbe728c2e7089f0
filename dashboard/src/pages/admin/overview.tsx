import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import type { Stats } from '../../api/types.js';
import { Failed, Loading } from '../../ui/states.js';
import { useTitle } from '../../ui/title.js';
import { Chart, type Share } from './chart.js';
import { useDemotion } from './page-of.js';

export function OverviewPage() {
  useTitle('Admin');
  const { data, error, refetch } = useQuery({
    queryKey: ['admin', 'stats'],
    queryFn: () => answerOf(api.GET('/v1/admin/stats')),
  });
  useDemotion(error);
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  return (
    <>
      <h2 className="visually-hidden">Overview</h2>
      <p className="overview-message">{data.message}</p>
      <div className="figures">
        <Figure title="Users" total={data.users.total} shares={usersOf(data)} />
        <Figure title="Items" total={data.items.total} shares={itemsOf(data)} />
      </div>
    </>
  );
}

interface FigureProps {
  readonly title: string;
  readonly total: number;
  readonly shares: readonly Share[];
}

/** Drawn, and as a table: the drawing is for the eye only. */
function Figure({ title, total, shares }: FigureProps) {
  return (
    <section className="card figure" aria-label={title}>
      <div className="figure-head">
        <h3>{title}</h3>
        <strong className="figure-total">{total}</strong>
      </div>
      <Chart shares={shares} total={total} />
      <table className="figure-table">
        <caption className="visually-hidden">{title} in numbers</caption>
        <thead>
          <tr>
            <th scope="col">{title}</th>
            <th scope="col">Number</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {shares.map(({ name, value, kind }) => (
            <tr key={name}>
              <th scope="row">
                <span className={`swatch share-${kind}`} aria-hidden="true" /> {name}
              </th>
              <td>{value}</td>
              <td>{total === 0 ? '–' : `${Math.round((100 * value) / total)} %`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** An administrator may be disabled: the last is a part of the whole, not of what the others leave. */
const usersOf = ({ users: { total, disabled, admins } }: Stats): Share[] => [
  { name: 'Active', value: total - disabled, kind: 'plain' },
  { name: 'Disabled', value: disabled, kind: 'striped' },
  { name: 'Administrators', value: admins, kind: 'dotted' },
];

const itemsOf = ({ items: { movies, shows } }: Stats): Share[] => [
  { name: 'Movies', value: movies, kind: 'plain' },
  { name: 'Shows', value: shows, kind: 'striped' },
];
