// An answer's rows as a plain table: figures with their units, and every short value can be clicked.
import type { Answer, Column } from "../../api/types";
import { formatCell, isNumeric } from "../../lib/units";
import { Scroll } from "../Scroll";
import { useUtc } from "../useUtc";
import { ValueMenu } from "../ValueMenu";

type Properties = { answer: Pick<Answer, "columns" | "rows">; table?: string };

export function AnswerTable({ answer, table }: Properties) {
  useUtc();
  return (
    <Scroll label="Answer" className="panel">
      <table className="plain-table">
        <thead>
          <tr>
            {answer.columns.map((column) => (
              <th key={column.name} className={isNumeric(column.type) ? "number" : undefined} scope="col">
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no name of their own and are never reordered
            <tr key={index}>
              {answer.columns.map((column, place) => (
                <Cell key={column.name} column={column} value={row[place]} table={table} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

type CellProperties = { column: Column; value: unknown; table: string | undefined };

function Cell({ column, value, table }: CellProperties) {
  const shown = formatCell(value, column);
  if (typeof value === "string" && column.type !== "timestamp_ns" && !isNumeric(column.type) && value.length < 200)
    return (
      <td>
        <ValueMenu field={column.name} value={value} table={table} />
      </td>
    );
  // What was rounded for reading is whole in the title.
  const exact = typeof value === "number" || typeof value === "string" ? String(value) : undefined;
  return (
    <td
      className={isNumeric(column.type) ? "number" : column.type === "timestamp_ns" ? "nowrap" : undefined}
      title={exact === shown ? undefined : exact}
    >
      {shown}
    </td>
  );
}
