// Groups with their figures, a small bar behind each; a click on a heading sorts.
import type { Answer } from "../../../api/types";
import type { Format } from "../../../lib/units";
import { type Order, SortHead } from "../../../ui/table/SortHead";
import { useUtc } from "../../../ui/useUtc";
import { ValueMenu } from "../../../ui/ValueMenu";
import { cellValue, numberOf, useAddress, useAnswer, useChange } from "../answers";
import { useFormatOf } from "../metrics/metrics";
import { Outcome } from "../Outcome";
import { readQuestion, tableBody } from "../question/question";

export function TableView() {
  const answer = useAnswer(tableBody(useAddress()));
  return <Outcome answer={answer}>{(data) => <Groups answer={data} />}</Outcome>;
}

function Groups({ answer }: { answer: Answer }) {
  useUtc();
  const search = useAddress();
  const change = useChange();
  const formatOf = useFormatOf();
  const { table } = readQuestion(search);
  const figures = new Set(answer.columns.slice(readGroups(answer)).map((column) => column.name));
  const most = answer.columns.map((_, place) =>
    answer.rows.reduce((greatest, row) => Math.max(greatest, numberOf(row[place]) ?? 0), 0),
  );
  const first = search.order?.[0] ?? `-${answer.columns.find((one) => figures.has(one.name))?.name}`;
  const order = { column: first.replace(/^-/, ""), down: first.startsWith("-") };
  const sort = ({ column, down }: Order<string>) => change({ order: [down ? `-${column}` : column] });
  return (
    <div className="scroll panel">
      <table className="plain-table figures-table">
        <thead>
          <tr>
            {answer.columns.map(({ name }) => (
              <SortHead key={name} column={name} title={name} number={figures.has(name)} order={order} onOrder={sort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.rows.map((row) => (
            <tr key={JSON.stringify(row.slice(0, readGroups(answer)))}>
              {answer.columns.map(({ name }, place) =>
                figures.has(name) ? (
                  <td key={name} className="number">
                    <Figure value={row[place]} most={most[place] ?? 0} format={formatOf(name)} />
                  </td>
                ) : (
                  <td key={name}>
                    <ValueMenu field={name} value={cellValue(row[place])} table={table} />
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );

  function readGroups(given: Answer): number {
    const { group } = readQuestion(search);
    return group.filter((field, place) => given.columns[place]?.name === field).length;
  }
}

function Figure({ value, most, format }: { value: unknown; most: number; format: Format }) {
  const size = numberOf(value);
  const share = size !== null && most > 0 ? Math.max(0, size / most) : 0;
  return (
    <>
      {format(value)}
      <span className="bar" aria-hidden="true">
        <span style={{ width: `${share * 100}%` }} />
      </span>
    </>
  );
}
