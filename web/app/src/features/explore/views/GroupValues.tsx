// The values of a group, each with its menu; of a question without groups, all events.
import { ValueMenu } from "../../../ui/ValueMenu";
import type { Group } from "./series";

export function GroupValues({ fields, group, table }: { fields: string[]; group: Group; table: string }) {
  if (!fields.length) return <span>all events</span>;
  return (
    <span className="group-values">
      {fields.map((field, place) => (
        <ValueMenu key={field} field={field} value={group[place] ?? null} table={table} />
      ))}
    </span>
  );
}
