// A group of fields with their values; each can be clicked.

import { Fragment } from "react";
import { ValueMenu } from "../../../ui/ValueMenu";
import { valueText } from "../model/find";

type Properties = { title: string; fields: Record<string, unknown>; text?: string; open?: boolean };

export function Fields({ title, fields, text = "", open = false }: Properties) {
  const wanted = text.trim().toLowerCase();
  const all = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  const shown = all
    .filter(([name, value]) => !wanted || `${name}=${valueText(value)}`.toLowerCase().includes(wanted))
    .sort(([left], [right]) => (left < right ? -1 : 1));
  if (!all.length) return null;
  return (
    <details className="span-group" open={open || (wanted !== "" && shown.length > 0)}>
      <summary>
        {title} <span className="quiet small">{wanted ? `${shown.length} of ${all.length}` : all.length}</span>
      </summary>
      <FieldList fields={shown} />
    </details>
  );
}

export function FieldList({ fields, table = "spans" }: { fields: [string, unknown][]; table?: string }) {
  return (
    <dl className="span-fields">
      {fields.map(([name, value]) => (
        <div key={name}>
          <dt>
            {/* Names break behind a dot rather than anywhere. */}
            {name.split(/(?<=[._])/).map((part, order) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a name do not move
              <Fragment key={order}>
                {part}
                <wbr />
              </Fragment>
            ))}
          </dt>
          <dd>
            {typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? (
              <ValueMenu field={name} value={value} table={table} />
            ) : (
              <code className="mono">{valueText(value)}</code>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}
