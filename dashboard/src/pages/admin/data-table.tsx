import type { ReactNode } from 'react';
import { Cell, Column, Row, Table, TableBody, TableHeader } from 'react-aria-components';

export interface TableColumn<Record> {
  readonly name: string;
  readonly of: (record: Record) => ReactNode;
}

interface DataTableProps<Record> {
  readonly label: string;
  /** The first one names the row. */
  readonly columns: readonly TableColumn<Record>[];
  readonly rows: readonly Record[];
}

/** Where there is no room for columns each row is a card, and says beside each value what it is. */
export function DataTable<Record extends { readonly id: number }>(props: DataTableProps<Record>) {
  const { label, columns, rows } = props;
  return (
    <Table className="table" aria-label={label}>
      <TableHeader>
        {columns.map(({ name }, index) => (
          <Column key={name} id={name} isRowHeader={index === 0}>
            {name}
          </Column>
        ))}
      </TableHeader>
      <TableBody>
        {rows.map((row) => (
          <Row key={row.id} id={row.id}>
            {columns.map(({ name, of }) => (
              <Cell key={name}>
                <span className="cell-name" aria-hidden="true">
                  {name}
                </span>
                <div className="cell-value">{of(row)}</div>
              </Cell>
            ))}
          </Row>
        ))}
      </TableBody>
    </Table>
  );
}
