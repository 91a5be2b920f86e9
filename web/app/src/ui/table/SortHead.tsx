// The head of a column that a table can be sorted by; texts first from A to Z, figures first from the greatest.
import "./sort-head.css";

export type Order<Column extends string> = { column: Column; down: boolean };

type Properties<Column extends string> = {
  column: Column;
  title: string;
  number?: boolean;
  order: Order<Column>;
  onOrder: (order: Order<Column>) => void;
};

export function SortHead<Column extends string>({ column, title, number, order, onOrder }: Properties<Column>) {
  const here = order.column === column;
  return (
    <th
      scope="col"
      className={number ? "number" : undefined}
      aria-sort={here ? (order.down ? "descending" : "ascending") : "none"}
    >
      <button
        type="button"
        className="sort"
        onClick={() => onOrder({ column, down: here ? !order.down : (number ?? false) })}
      >
        {title}
        <span aria-hidden="true">{here ? (order.down ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

/** Compares numbers and texts alike, so that a column can be either. */
export function byOrder(left: number | string, right: number | string, down: boolean): number {
  const sign =
    typeof left === "number" && typeof right === "number" ? left - right : left < right ? -1 : left > right ? 1 : 0;
  return down ? -sign : sign;
}
