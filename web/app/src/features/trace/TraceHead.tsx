// The head of a trace: its root, its figures, its services, and what can be taken along.
import { Button, Menu } from "@mantine/core";
import { useState } from "react";
import { ask } from "../../api/client";
import type { Trace } from "../../api/types";
import { formatCount, formatDuration, formatTime } from "../../lib/format";
import { useUtc } from "../../ui/useUtc";
import type { TraceModel } from "./model/build";
import { toJaeger } from "./model/jaeger";

type Properties = { trace: Trace; model: TraceModel; local: boolean; onRefresh: () => void };

export function TraceHead({ trace, model, local, onRefresh }: Properties) {
  useUtc();
  const [said, setSaid] = useState("");
  const main = model.nodes[model.main];
  const copy = (text: string, what: string) => {
    navigator.clipboard.writeText(text).then(
      () => setSaid(`${what} copied`),
      () => setSaid("The browser does not allow copying here"),
    );
  };
  const otlp = async () => {
    try {
      const response = await ask(`api/v1/traces/${model.id}?format=otlp`);
      save(await response.blob(), `trace-${model.id}.otlp.json`);
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  const jaeger = () => {
    const text = JSON.stringify(toJaeger(trace));
    save(new Blob([text], { type: "application/json" }), `trace-${model.id}.jaeger.json`);
  };
  return (
    <header className="trace-head">
      <div className="trace-line">
        <h1>{main ? main.span.name : "Log records without spans"}</h1>
        {main ? <span className="quiet">{main.service}</span> : null}
        <span className="mono quiet trace-id">{model.id}</span>
        <span className="trace-actions">
          <span className="quiet small" role="status">
            {said}
          </span>
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" size="compact-sm">
                Copy
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => copy(model.id, "Id")}>Id</Menu.Item>
              <Menu.Item onClick={() => copy(location.href, "Link")}>Link to what is shown</Menu.Item>
            </Menu.Dropdown>
          </Menu>
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" size="compact-sm">
                Download
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {local ? null : <Menu.Item onClick={() => void otlp()}>OTLP JSON</Menu.Item>}
              <Menu.Item onClick={jaeger}>Jaeger JSON</Menu.Item>
            </Menu.Dropdown>
          </Menu>
          <Button variant="default" size="compact-sm" onClick={onRefresh}>
            {local ? "Close the file" : "Read again"}
          </Button>
        </span>
      </div>
      <dl className="trace-figures">
        <Figure name="Duration" value={formatDuration(model.nodes.length ? model.duration : null)} />
        <Figure name="Start" value={formatTime(model.origin)} />
        <Figure name="Spans" value={formatCount(model.nodes.length)} />
        <Figure name="Services" value={formatCount(model.services.length)} />
        <Figure name="Errors" value={formatCount(model.counts.errors)} bad={model.counts.errors > 0} />
        {model.logs.length ? <Figure name="Log records" value={formatCount(model.logs.length)} /> : null}
      </dl>
      <ul className="trace-services" aria-label="Services">
        {model.services.slice(0, 24).map((service) => (
          <li key={service.name}>
            <span className="trace-swatch" style={{ background: service.colour }} aria-hidden="true" />
            {service.name} <span className="quiet">{formatCount(service.spans)}</span>
          </li>
        ))}
        {model.services.length > 24 ? <li className="quiet">and {model.services.length - 24} more</li> : null}
        {local ? <li className="quiet">From a file; nothing of it was sent.</li> : null}
      </ul>
    </header>
  );
}

function Figure({ name, value, bad = false }: { name: string; value: string; bad?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={bad ? "trace-bad" : undefined}>{value}</dd>
    </div>
  );
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
