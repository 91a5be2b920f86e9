// An answer's rows as a plain table; every short value can be clicked.
import type { Answer } from "../api/types";
import { formatCell } from "../lib/format";
import { Scroll } from "./Scroll";
import { ValueMenu } from "./ValueMenu";

const numeric = /^(u?int|float)/;

export function AnswerTable({ answer, table }: { answer: Pick<Answer, "columns" | "rows">; table?: string }) {
  return (
    <Scroll label="Answer" className="panel">
      <table className="plain-table">
        <thead>
          <tr>
            {answer.columns.map((column) => (
              <th key={column.name} className={numeric.test(column.type) ? "number" : undefined} scope="col">
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no name of their own and are never reordered
            <tr key={index}>
              {answer.columns.map((column, place) => {
                const value = row[place];
                const shown = formatCell(value, column.type);
                const plain = typeof value === "string" && column.type !== "timestamp_ns" && value.length < 200;
                return (
                  <td key={column.name} className={numeric.test(column.type) ? "number" : undefined}>
                    {plain ? <ValueMenu field={column.name} value={value} table={table} /> : shown}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
