// All services with their figures in the time chosen.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { postJson } from "../../api/client";
import { followsTime } from "../../api/queries";
import type { Answer } from "../../api/types";
import { Sparkline } from "../../charts/Sparkline";
import { formatDuration, formatPercent } from "../../lib/format";
import { Scroll } from "../../ui/Scroll";
import { Empty, Loading, Unanswered } from "../../ui/States";
import { useSearch } from "../../ui/useSearch";
import { ValueMenu } from "../../ui/ValueMenu";
import { failuresQuestion, figuresQuestion, seriesQuestion, servicesOf } from "./questions";

/** From so many thousandths of failed requests on, as they are shown, a figure is marked. */
const failing = 50;

export function Services() {
  const { last, from, to, where } = useSearch();
  const search = { last, from, to, where };
  const services = useQuery({
    queryKey: ["services", search],
    queryFn: async ({ signal }) => {
      const [figures, failures, series] = await Promise.all(
        [figuresQuestion(search), failuresQuestion(search), seriesQuestion(search)].map((question) =>
          postJson<Answer>("api/v1/query", question, signal),
        ),
      );
      if (!figures) throw new Error("The services were not read");
      return { rows: servicesOf(figures, failures, series), cut: figures.footer.cut };
    },
    meta: followsTime,
    placeholderData: keepPreviousData,
  });
  return (
    <section className="home-section" aria-labelledby="services">
      <h2 id="services">Services</h2>
      {services.isPending ? <Loading what="the services" /> : null}
      {services.isError ? <Unanswered query={services} /> : null}
      {services.data && services.data.rows.length === 0 ? (
        <Empty title="No requests in this time">Choose a longer time at the top right, or take filters away.</Empty>
      ) : null}
      {services.data?.rows.length ? (
        <Scroll label="Services" className="panel">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col" className="service-series">
                  Requests over time
                </th>
                <th scope="col" className="number">
                  A second
                </th>
                <th scope="col" className="number">
                  Errors
                </th>
                {["p50", "p95", "p99"].map((name) => (
                  <th key={name} scope="col" className="number">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {services.data.rows.map((service) => (
                <tr key={service.name}>
                  <th scope="row" className="service-name">
                    <ValueMenu field="service.name" value={service.name} table="spans" />
                  </th>
                  <td className="service-series">
                    <Sparkline
                      values={service.series}
                      label={`Requests of ${service.name ?? "no service"} over time`}
                      width={140}
                      height={20}
                    />
                  </td>
                  <td className="number">{rateText(service.rate)}</td>
                  <td className={`number ${Math.round(service.errorShare * 1000) >= failing ? "service-failing" : ""}`}>
                    {formatPercent(service.errorShare)}
                  </td>
                  <td className="number">{formatDuration(service.p50)}</td>
                  <td className="number">{formatDuration(service.p95)}</td>
                  <td className="number">{formatDuration(service.p99)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
      {services.data?.cut ? <p className="quiet small">The busiest {services.data.rows.length}.</p> : null}
    </section>
  );
}

function rateText(rate: number | null): string {
  if (rate === null) return "–";
  if (rate > 0 && rate < 0.01) return "< 0.01";
  return rate >= 100 ? rate.toFixed(0) : rate >= 10 ? rate.toFixed(1) : rate.toFixed(2);
}
