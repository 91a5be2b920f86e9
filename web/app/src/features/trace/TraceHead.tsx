// The head of a trace: its root, its figures, its services, and what can be taken along.
import { Button, Menu } from "@mantine/core";
import { useState } from "react";
import { ask } from "../../api/client";
import type { Trace } from "../../api/types";
import { formatCount, formatDuration, formatTime } from "../../lib/format";
import { useUtc } from "../../ui/useUtc";
import { toJaeger } from "./files/jaeger";
import { OpenFile } from "./files/OpenFile";
import { toOtlp } from "./files/otlp";
import type { TraceModel } from "./model/build";
import type { Whole } from "./useTrace";

type Properties = {
  trace: TraceModel;
  whole: Whole;
  local: boolean;
  onRefresh: () => void;
  onFile: (trace: Trace) => void;
};

export function TraceHead({ trace, whole, local, onRefresh, onFile }: Properties) {
  useUtc();
  const [said, setSaid] = useState("");
  const main = trace.nodes[trace.main];
  const copy = (text: string, what: string) => {
    navigator.clipboard.writeText(text).then(
      () => setSaid(`${what} copied`),
      () => setSaid("The browser does not allow copying here"),
    );
  };
  const download = async (kind: "otlp" | "jaeger") => {
    setSaid("Reading the whole trace");
    try {
      // OTLP goes out as it came in: the server has more than what is shown here.
      const content =
        kind === "otlp" && !local
          ? await (await ask(`api/v1/traces/${trace.id}?format=otlp`)).blob()
          : new Blob([JSON.stringify((kind === "otlp" ? toOtlp : toJaeger)(await whole.read()))], {
              type: "application/json",
            });
      save(content, `trace-${trace.id}.${kind}.json`);
      setSaid("Downloaded");
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <header className="trace-head">
      <div className="trace-line">
        <h1>{main ? main.name : "Log records without spans"}</h1>
        {main ? <span className="quiet">{main.service}</span> : null}
        <span className="mono quiet trace-id">{trace.id}</span>
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
              <Menu.Item onClick={() => copy(trace.id, "Id")}>Id</Menu.Item>
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
              <Menu.Item onClick={() => void download("otlp")}>OTLP JSON</Menu.Item>
              <Menu.Item onClick={() => void download("jaeger")}>Jaeger JSON</Menu.Item>
            </Menu.Dropdown>
          </Menu>
          <OpenFile onTrace={onFile} small />
          <Button variant="default" size="compact-sm" onClick={onRefresh}>
            {local ? "Close the file" : "Read again"}
          </Button>
        </span>
      </div>
      <dl className="trace-figures">
        <Figure name="Duration" value={formatDuration(trace.nodes.length ? trace.duration : null)} />
        <Figure name="Start" value={formatTime(trace.origin)} />
        <Figure name="Spans" value={formatCount(trace.nodes.length)} />
        <Figure name="Services" value={formatCount(trace.services.length)} />
        <Figure name="Errors" value={formatCount(trace.counts.errors)} bad={trace.counts.errors > 0} />
        {trace.logs.length ? <Figure name="Log records" value={formatCount(trace.logs.length)} /> : null}
      </dl>
      <ul className="trace-services" aria-label="Services">
        {trace.services.slice(0, 24).map((service) => (
          <li key={service.name}>
            <span className="trace-swatch" style={{ background: service.colour }} aria-hidden="true" />
            {service.name} <span className="quiet">{formatCount(service.spans)}</span>
          </li>
        ))}
        {trace.services.length > 24 ? <li className="quiet">and {trace.services.length - 24} more</li> : null}
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
