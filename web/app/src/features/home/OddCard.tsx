// One thing that is odd: who, what differs, how it went over the hour, and two ways on.
import { Button } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { postJson } from "../../api/client";
import { useNotes } from "../../api/notes";
import type { Answer, OddFinding } from "../../api/types";
import { Sparkline } from "../../charts/Sparkline";
import { concerns, sparkMarks } from "../../lib/notes";
import type { Chip } from "../../lib/search";
import { paths } from "../../paths";
import { column, compareLink, findingQuestion, numberOf, timeOf, wholeSteps } from "./questions";
import { differenceOf, isBad } from "./words";

type Properties = { finding: OddFinding; start: string; end: string };

export function OddCard({ finding, start, end }: Properties) {
  const difference = differenceOf(finding);
  const bad = isBad(finding);
  const service = finding["service.name"];
  const question = findingQuestion(finding, start, end);
  const who = [finding.flow, service].filter(Boolean).join(" at ") || "events without a service";
  const series = useQuery({
    queryKey: ["odd-series", service, finding.flow, finding.measure, start],
    queryFn: ({ signal }) => postJson<Answer>("api/v1/query", question, signal),
    placeholderData: keepPreviousData,
  });
  const values = series.data ? wholeSteps(column(series.data, question.calculate?.[0] ?? "count").map(numberOf)) : [];
  const chips: Chip[] = [];
  if (service) chips.push({ field: "service.name", operator: "=", value: service });
  if (finding.flow) chips.push({ field: "name", operator: "=", value: finding.flow });
  const time = timeOf(finding, start, end);
  const times = series.data ? wholeSteps(column(series.data, "time").map(String)) : [];
  const notes = useNotes({ start: time.from, end: time.to });
  const marks = sparkMarks(notes.data?.notes.filter((note) => concerns(note, chips)) ?? [], times);
  const noted = marks.length ? `; notes: ${marks.map((mark) => mark.text).join("; ")}` : "";
  return (
    <li className={`panel odd-card ${bad ? "odd-bad" : ""}`}>
      <div className="odd-who">
        <h2>{finding.flow ?? service ?? "Without a service"}</h2>
        {finding.flow && service ? <span className="quiet">at {service}</span> : null}
      </div>
      <div className="odd-difference">
        <span className={bad ? "odd-heading-bad" : "odd-heading"}>{difference.heading}</span>
        <span>
          <span className="quiet small">{difference.measure}</span> <strong>{difference.now}</strong>
        </span>
        <span className="quiet">
          {difference.usual}
          {finding.change === "new" ? "" : ` ${difference.reference}`}
        </span>
      </div>
      <div className="odd-chart">
        {values.length ? (
          <Sparkline
            values={values}
            label={`${difference.measure} over ${finding.measure === "rate" ? "two hours" : "this hour"}: ${who}${noted}`}
            marks={marks.map((mark) => mark.place)}
            tone={bad ? "bad" : "plain"}
            width={180}
            height={36}
          />
        ) : null}
      </div>
      <div className="odd-actions">
        <Button
          variant="default"
          renderRoot={(given) => <Link {...given} to={paths.explore} search={{ ...time, where: chips }} />}
          aria-label={`See it: ${who}`}
        >
          See it
        </Button>
        {finding.compare ? (
          <Button
            variant="default"
            renderRoot={(given) => <Link {...given} to={paths.compare} search={compareLink(finding.compare ?? {})} />}
            aria-label={`What is different: ${who}`}
          >
            What is different
          </Button>
        ) : null}
      </div>
    </li>
  );
}
