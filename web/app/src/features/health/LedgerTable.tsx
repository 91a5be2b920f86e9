// The ledger: for each key and signal what came and where it went; and the last refusals.
import type { Ledger, LedgerCount, LedgerTotal } from "../../api/types";
import { formatAge, formatCount } from "../../lib/format";
import { Scroll } from "../../ui/Scroll";

function records(counts: Record<string, LedgerCount>): number {
  return Object.values(counts).reduce((sum, count) => sum + count.records, 0);
}

/** What was received and is in none of the other columns: always nothing, unless something is wrong. */
function unexplained(line: LedgerTotal): number {
  const told = line.stored.records + line.deduplicated.records + line.sampled_out.records + records(line.refused);
  return line.received.records - told;
}

function Figures({ line }: { line: LedgerTotal }) {
  const lost = unexplained(line);
  const figures = [line.received, line.stored, line.deduplicated, line.sampled_out].map((count) => count.records);
  return (
    <>
      {[...figures, records(line.refused), records(line.deferred)].map((figure, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the columns are fixed
        <td key={place} className={figure ? "number" : "number quiet"}>
          {formatCount(figure)}
        </td>
      ))}
      <td className={lost ? "number health-bad" : "number quiet"}>{formatCount(lost)}</td>
    </>
  );
}

export function LedgerTable({ ledger }: { ledger: Ledger }) {
  return (
    <Scroll label="Ledger" className="panel">
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">Signal</th>
            <th scope="col">Key</th>
            {["Received", "Stored", "Repeated", "Sampled out", "Refused", "Told to come again", "Unexplained"].map(
              (name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {ledger.lines.map((line) => (
            <tr key={`${line.key} ${line.signal}`}>
              <td>{line.signal}</td>
              <td>{line.key || "none"}</td>
              <Figures line={line} />
            </tr>
          ))}
          <tr className="health-total">
            <td>All</td>
            <td />
            <Figures line={ledger.total} />
          </tr>
        </tbody>
      </table>
    </Scroll>
  );
}

/** The last refusals, the newest first: what clients did wrong, in the words that they were told. */
export function Refusals({ ledger }: { ledger: Ledger }) {
  if (!ledger.refusals.length) return <p className="quiet">Nothing was refused since the server started.</p>;
  return (
    <Scroll label="Refusals" className="panel">
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">Last</th>
            <th scope="col" className="number">
              Times
            </th>
            <th scope="col">Signal</th>
            <th scope="col">Reason</th>
            <th scope="col">What the client was told</th>
            <th scope="col">Client</th>
          </tr>
        </thead>
        <tbody>
          {ledger.refusals.map((one) => (
            <tr key={`${one.first_time} ${one.door} ${one.message}`}>
              <td>{formatAge(one.time)}</td>
              <td className="number">{formatCount(one.times)}</td>
              <td>{one.signal}</td>
              <td>{one.reason}</td>
              <td>{one.message}</td>
              <td className="quiet">{one.user_agent || "unnamed"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
