// No metric is chosen yet: which there are, what they are, and how much of each there is.
import { Link } from "@tanstack/react-router";
import { formatAge, formatCount } from "../../../lib/format";
import { paths } from "../../../paths";
import { Scroll } from "../../../ui/Scroll";
import { Loading } from "../../../ui/States";
import { useAddress } from "../answers";
import { Nothing, Refused } from "../Outcome";
import { kindWords } from "./MetricPicker";
import { chosen, useMetrics } from "./metrics";

export function MetricList() {
  const search = useAddress();
  const metrics = useMetrics();
  if (metrics.isError) return <Refused error={metrics.error} onRetry={() => void metrics.refetch()} />;
  if (!metrics.data) return <Loading what="the metrics" />;
  if (!metrics.data.metrics.length) return <Nothing />;
  return (
    <>
      <Scroll label="Metrics" className="panel">
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col">What it is</th>
              <th scope="col" className="number">
                Points
              </th>
              <th scope="col">Newest</th>
            </tr>
          </thead>
          <tbody>
            {metrics.data.metrics.map((metric) => (
              <tr key={metric.name}>
                <td>
                  <Link to={paths.explore} search={{ ...search, ...chosen(metric) }}>
                    {metric.name}
                  </Link>
                </td>
                <td className="quiet">{kindWords(metric)}</td>
                <td className="number">{formatCount(metric.points)}</td>
                <td className="quiet nowrap">{formatAge(metric.newest)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {metrics.data.isCut ? (
        <p className="quiet small">There are more: those with the most points are listed.</p>
      ) : null}
    </>
  );
}
