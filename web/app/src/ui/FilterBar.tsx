// The filter chips: what the events of the page have in common.
import { useChangeSearch, useSearch } from "./useSearch";
import "./filter-bar.css";

export function FilterBar() {
  const { where } = useSearch();
  const change = useChangeSearch();
  if (!where?.length) return null;
  return (
    <ul className="filters" aria-label="Filters">
      {where.map((chip) => (
        <li key={JSON.stringify(chip)} className="chip">
          <span>
            {chip.field} {chip.operator} {chip.value === null ? "" : String(chip.value)}
          </span>
          <button
            type="button"
            aria-label={`Remove the filter on ${chip.field}`}
            onClick={() => change({ where: where.filter((one) => one !== chip) })}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}
