// The words of the first page: the verdict, what differs in a finding, and why something was refused.
import type { Odd, OddFinding, Refused } from "../../api/types";
import { formatCount, formatDuration, formatPercent } from "../../lib/format";
import { sentence } from "../../lib/sentence";

/** The verdict as a calm sentence, and what it rests on. */
export function verdictOf(odd: Odd): { lead: string; detail: string } {
  const looked = `${counted(odd.flows, "flow")} of ${counted(odd.services, "service")}`;
  if (odd.verdict === "cannot_tell") {
    const doubts = odd.completeness?.doubts ?? [];
    const why = doubts.length ? doubts.join("; ") : odd.statement.replace(/^cannot tell: /, "");
    const found = odd.found ? " What was found all the same stands below." : "";
    return { lead: "Cannot tell whether anything is odd", detail: `${sentence(why)}${found}` };
  }
  if (odd.verdict === "odd")
    return {
      lead: odd.found === 1 ? "One thing is odd" : `${formatCount(odd.found)} things are odd`,
      detail: `${sentence(odd.statement.replaceAll("`", ""))} Looked at ${looked} in the last hour${history(odd)}.`,
    };
  if (odd.tests === 0) return { lead: "Too early to say what is odd", detail: sentence(odd.statement) };
  return { lead: "All is typical", detail: `${looked} in the last hour are as usual${history(odd)}.` };
}

function history(odd: Odd): string {
  return odd.days > 0
    ? `, compared with this hour on ${counted(odd.days, "earlier day")}`
    : ", compared with the hour before";
}

function counted(count: number, one: string): string {
  return `${formatCount(count)} ${one}${count === 1 ? "" : "s"}`;
}

const measures: Record<OddFinding["measure"], string> = {
  rate: "Requests",
  errors: "Failing",
  latency: "Half take at most",
  tail: "1% take more than",
};

const headings: Record<OddFinding["measure"], Record<OddFinding["change"], string>> = {
  rate: { more: "More requests", less: "Fewer requests", new: "New", gone: "No requests any more" },
  errors: { more: "Fails more often", less: "Fails less often", new: "Fails", gone: "Fails no more" },
  latency: { more: "Slower", less: "Faster", new: "New", gone: "Gone" },
  tail: { more: "Slow ones are slower", less: "Slow ones are faster", new: "New", gone: "Gone" },
};

export type Difference = { heading: string; measure: string; now: string; usual: string; reference: string };

/** What differs, in words and two figures. */
export function differenceOf(finding: OddFinding): Difference {
  const { measure, change, now, usual } = finding;
  const figure = ({ requests, error_share, p50_ns, p99_ns }: OddFinding["now"]) =>
    measure === "rate"
      ? formatCount(Math.round(requests))
      : measure === "errors"
        ? formatPercent(error_share)
        : formatDuration(measure === "latency" ? p50_ns : p99_ns);
  return {
    heading: headings[measure][change],
    measure: measures[measure],
    now: figure(now),
    usual: change === "new" ? "never seen before" : figure(usual),
    reference: finding.reference === "same_hour" ? "usually at this hour" : "in the hour before",
  };
}

/** Whether a finding is bad news; more traffic and faster answers are not. */
export function isBad({ measure, change }: Pick<OddFinding, "measure" | "change">): boolean {
  return measure === "rate" ? change === "less" || change === "gone" : change === "more" || change === "new";
}

const reasons: [RegExp, string][] = [
  [
    /unsupported/,
    "The content type or encoding is not one that this door takes. The text below says which ones it takes.",
  ],
  [
    /undecodable/,
    "The body is not what its content type says. Does a proxy change it, or is it sent to the path of another signal?",
  ],
  [/too.?large/, "The request is larger than 64 MiB. Send smaller batches."],
  [/invalid/, "Some records had wrong ids, times or nesting. The others were stored."],
  [/unauthorized/, "There was no key, or a wrong one. Look which key the program sends."],
  [
    /forbidden/,
    "The key may not do this. Sending takes one with the scope “ingest”, or “browser” from a page that it lists.",
  ],
  [
    /unavailable/,
    "The store was busy, closing, or its disk was full. The program was told to come again; nothing is lost while it does.",
  ],
  [/over.?limit/, "This key sends more than it may. The program was told to come again."],
];

/** What a refusal means, and what to do about it. */
export function refusalText({ reason }: Pick<Refused, "reason">): string {
  return reasons.find(([pattern]) => pattern.test(reason))?.[1] ?? "The text below says why.";
}
