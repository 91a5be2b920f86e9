// The types of the API's answers. Generated from docs/reference/openapi.json by `npm run types`; not to be edited.

export type Answer = {
  columns: Column[];
  footer: Footer;
  /** A cell for each column: null, or as the column's type says. */
  rows: unknown[][];
};

export type BackupProgress = {
  bytes: number;
  bytes_total: number;
  parts: number;
  parts_total: number;
};

export type BackupRequest = {
  /** A directory of the server's machine, by its absolute path, or `s3://BUCKET/PREFIX`. */
  to: string;
};

export type Change_Edge = {
  /** Calls from one node to another, as the caller sees them. */
  base?: Figures & {
    /** A node's id. */
    from: string;
    kind: EdgeKind;
    query: Evidence;
    /** What the called side says, where it does. */
    server_errors: number;
    server_p50_ns?: number | null;
    server_p95_ns?: number | null;
    server_p99_ns?: number | null;
    to: string;
    /** Calls of which no span of the called side is there. */
    unanswered: number;
  };
  changed: Changed[];
  /** Calls from one node to another, as the caller sees them. */
  now?: Figures & {
    /** A node's id. */
    from: string;
    kind: EdgeKind;
    query: Evidence;
    /** What the called side says, where it does. */
    server_errors: number;
    server_p50_ns?: number | null;
    server_p95_ns?: number | null;
    server_p99_ns?: number | null;
    to: string;
    /** Calls of which no span of the called side is there. */
    unanswered: number;
  };
};

export type Change_Node = {
  /** Something that calls or is called. */
  base?: Figures & {
    /** Of a known vendor, what it is for. */
    category?: string | null;
    id: string;
    kind: NodeKind;
    name: string;
    query: Evidence;
    /** Spans of its own, by their weights. */
    spans: number;
  };
  changed: Changed[];
  /** Something that calls or is called. */
  now?: Figures & {
    /** Of a known vendor, what it is for. */
    category?: string | null;
    id: string;
    kind: NodeKind;
    name: string;
    query: Evidence;
    /** Spans of its own, by their weights. */
    spans: number;
  };
};

export type Changed = "appeared" | "vanished" | "rate" | "errors" | "latency";

export type Column = {
  name: string;
  /** `string`, `int64`, `float64`, `boolean`, `timestamp_ns`, `binary`, `list`, `map`, and so on. */
  type: string;
};

export type Compacted = {
  into: number;
  merged: number;
};

export type CompareRequest = {
  baseline?: ComparedSide | null;
  /** `spans` or `logs`; `spans` without. */
  from?: string | null;
  /** Findings to give: 20 without, 100 at most. */
  limit?: number | null;
  range?: ApiRange | null;
  selection: ComparedSide;
  /** How long each reading of the events may take, like `10s`; at most ten minutes. Absent: 30 seconds. */
  timeout?: string | null;
};

export type ComparedSide = {
  range?: ApiRange | null;
  /** An SQL condition with dotted names. Absent: all events of the range. */
  where?: string | null;
};

export type Comparison = {
  fields: Finding[];
  /** Findings in all. */
  fields_found: number;
  /** Fields that were not compared value by value. */
  folded: ComparisonFolded[];
  footer: ComparisonFooter;
  /** The verdict as a sentence. */
  summary: string;
  verdict: ComparisonVerdict;
};

export type ComparisonApproximate = {
  field: string;
  /** A value that fewer events of the selection have may be missed. What is told of others is exact. */
  missed_below: number;
  /** Different values, within 5%. */
  values: number;
};

export type ComparisonFolded = {
  field: string;
  reason: string;
};

export type ComparisonFooter = {
  /** Fields with so many values that rare ones may be missed. */
  approximate: ComparisonApproximate[];
  baseline: ComparisonSideCount;
  bytes_scanned: number;
  damaged_parts: number;
  /** Smaller effects are not told. */
  effect_min: number;
  elapsed_ms: number;
  /** Fields beyond the limit of 2,000. */
  fields_left_out: number;
  fields_tested: number;
  newest_age_ms?: number | null;
  parts_scanned: number;
  position: number;
  /** Gives the numbers of both sides, as `selection_events` and so on. */
  query: Evidence;
  rows_in_memory: number;
  rows_scanned: number;
  /** Whether some of the events stand for several. */
  sampled: boolean;
  selection: ComparisonSideCount;
  /** How likely it is, at most, that a comparison of what does not differ finds something. */
  significance: number;
  /** All values of all fields, and all cuts between numbers. */
  values_tested: number;
};

export type ComparisonSideCount = {
  /** By weight. */
  events: number;
  rows: number;
  /** Traces with events on this side. An event without a trace is one of its own. */
  traces: number;
};

export type ComparisonVerdict = "different" | "nothing" | "cannot tell";

export type Completeness = {
  /** Spans that are their own ancestor within eight hops, of all. */
  cycles: Share;
  /** Parts set aside as damaged: their rows are missing everywhere. */
  damaged_parts: number;
  /** Why it cannot be told, a sentence each. */
  doubts: string[];
  /** Spans received more than five minutes after their end. */
  late: Share;
  /** Traces without a span that has no parent, of all. */
  missing_roots: Share;
  /** Spans whose parent is not there, of those that name one. */
  orphans: Share;
  refused?: Refused | null;
  /** What is stored, and what it stands for. */
  sampled: Sampled;
  /** Spans that begin more than a millisecond before their parent, of those whose parent is there. One that ends after its parent is no sign of a wrong clock: that is what asynchronous work does. */
  skewed: Share;
  verdict: Verdict;
};

export type CreatedKey = Key & {
  /** What to send as the key. It is kept nowhere: nobody can show it again. */
  secret: string;
};

export type Difference = {
  completeness: Completeness;
  edges: Change_Edge[];
  end: string;
  /** What appeared and vanished first, then those with the most calls. */
  nodes: Change_Node[];
  /** Of the map that it is compared with, as are the next three: nanoseconds since 1970. */
  start?: string | null;
  where?: string | null;
};

export type Edge = Figures & {
  /** A node's id. */
  from: string;
  kind: EdgeKind;
  query: Evidence;
  /** What the called side says, where it does. */
  server_errors: number;
  server_p50_ns?: number | null;
  server_p95_ns?: number | null;
  server_p99_ns?: number | null;
  to: string;
  /** Calls of which no span of the called side is there. */
  unanswered: number;
};

export type EdgeKind = "call" | "query" | "send" | "receive" | "message";

export type Entity = {
  completeness: EntityCompleteness;
  elapsed_ms: number;
  /** Log records and events of spans: of these traces, and those that name the entity themselves. The newest first. */
  events: EntityEvent[];
  everyone?: EntityEveryone | null;
  field: string;
  figures: EntityFigures;
  /** What is different, the weightiest first. Empty where nothing is. */
  findings: EntityFinding[];
  /** Whether these are all of the range; else they are those with ids next to the entity's. */
  other_traces_are_all: boolean;
  /** Traces of others that these were compared with. */
  other_traces_compared: number;
  /** What is counted as a request of this entity, in words. */
  request: string;
  /** The verdict in words, with the figures it rests on. */
  statement: string;
  /** The newest first. */
  traces: EntityTrace[];
  /** Traces of the entity that were read hop by hop: the newest. */
  traces_compared: number;
  value: string;
  verdict: EntityVerdict;
};

export type EntityCompleteness = {
  /** Parts set aside as damaged: their rows are missing everywhere. */
  damaged_parts: number;
  /** Why it cannot be told, a sentence each. */
  doubts: string[];
  /** Spans received more than five minutes after their end. */
  late: Share;
  /** Traces without a span that has no parent, of all. */
  missing_roots: Share;
  /** Spans whose parent is not there, of those that name one. */
  orphans: Share;
  sampled: Sampled;
  /** Spans that begin more than a millisecond before their parent, of those whose parent is there. */
  skewed: Share;
  verdict: Verdict;
};

export type EntityEvent = {
  "event.name"?: string | null;
  "service.name"?: string | null;
  severity_text?: string | null;
  /** The body, or what an exception says. */
  text: string;
  /** Nanoseconds since 1970. */
  time: string;
  trace_id?: string | null;
};

export type EntityEveryone = {
  /** Whether these are all, or some that were met in the other traces. */
  are_all: boolean;
  /** Other values that were looked at. */
  entities: number;
  error_share?: number | null;
  evidence: Evidence;
  faster_p50: number;
  faster_p99: number;
  fewer_errors: number;
  /** The share of them that has fewer requests than this entity, from 0 to 1; and so on. */
  fewer_requests: number;
  p50_ns?: number | null;
  p99_ns?: number | null;
  /** Of half of them, the figure is at most this. */
  requests?: number | null;
};

export type EntityFigures = {
  errors: number;
  evidence: Evidence;
  /** Null where there is no request. */
  p50_ns?: number | null;
  p99_ns?: number | null;
  requests: number;
};

export type EntityFinding = {
  measure: EntityMeasure;
  /** How improbable the difference would be if the entity were like all others, corrected for what was looked at. */
  p_value: number;
  source?: EntitySource | null;
  statement: string;
};

export type EntityHop = {
  duration_ns: number;
  failed: boolean;
  /** How many services, vendors and stores from the entry, which is the first. */
  hop: number;
  kind: PlaceKind;
  message?: string | null;
  /** The service, vendor or store. */
  name: string;
  operation: string;
  /** The time in which nothing below it ran. */
  self_time_ns: number;
};

export type EntityMeasure = "latency" | "errors" | "hop";

export type EntitySource = {
  /** Spans of the place in the entity's traces, and what half of them take at most. */
  calls: number;
  errors: number;
  evidence: Evidence;
  /** How many services, vendors and stores from the entry, which is the first. */
  hop: number;
  kind: PlaceKind;
  /** The service, vendor or store. */
  name: string;
  operation: string;
  /** The same in the other traces. */
  others_calls: number;
  others_errors: number;
  others_evidence: Evidence;
  others_p50_ns?: number | null;
  p50_ns?: number | null;
  /** The service whose spans tell of it. */
  service?: string | null;
};

export type EntityTrace = {
  /** Of the root, or of the first span where the root is missing. */
  duration_ns: number;
  /** Gives the spans behind the hops. */
  evidence: Evidence;
  failed: boolean;
  /** By start; services that were entered, vendors and stores that were called, and whatever failed. */
  hops: EntityHop[];
  hops_left_out: number;
  statement: string;
  /** Nanoseconds since 1970. */
  time: string;
  trace_id: string;
};

export type EntityVerdict = "different" | "typical" | "cannot_tell";

export type Evidence = string;

export type Examination = {
  findings: Finding[];
  /** Whether none of the findings is a problem. */
  healthy: boolean;
};

export type Field = {
  /** Events that have it. */
  events: number;
  /** Whether these are all: in the list, values kept in `overflow` are not counted. */
  exact: boolean;
  /** In nanoseconds since 1970; in the list, that of the part or batch. */
  first_seen?: string | null;
  last_seen?: string | null;
  name: string;
  /** `events` of all events, from 0 to 1. */
  share: number;
  /** `string`, `int64`, `float64`, `boolean`, `timestamp_ns`, `list` and so on. */
  type: string;
};

export type FieldDetail = Field & {
  /** How many different values there are, exactly. */
  distinct: number;
  max: unknown;
  min: unknown;
  table: string;
  /** The most frequent values. */
  values: FieldValue[];
};

export type FieldValue = {
  /** Events that have it, each by its weight. */
  events: unknown;
  value: unknown;
};

export type Fields = {
  /** Parts that are damaged and set aside. */
  damaged_parts: number;
  /** Events in the parts and batches that were looked at. */
  events: number;
  /** Fixed columns first, then attributes by name. */
  fields: Field[];
  /** Fields that fit, listed or not. */
  fields_found: number;
  table: string;
};

export type Figures = {
  calls: number;
  errors: number;
  /** Exact, by nearest rank; null without a duration. */
  p50_ns?: number | null;
  p95_ns?: number | null;
  p99_ns?: number | null;
  /** Calls per second of the time asked for; null if that has no start. */
  rate?: number | null;
};

export type Fill = "null" | "zero";

export type Finding = {
  /** From 0 to 1: how well the first of `values` tells the two sides apart, if they were of the same size. */
  effect: number;
  field: string;
  /** A bound on how likely chance would find as much, among all fields and values that were tested. */
  p_value: number;
  /** Gives `selection` and `baseline` of the first of `values`. */
  query: Evidence;
  /** Fields that say the same: nearly the same events have a value of theirs. */
  same_as: string[];
  /** A sentence. */
  statement: string;
  traces: TraceEvidence;
  /** The value that the sentence is about, and some others. */
  values: ValueShares[];
};

export type Flushed = {
  parts: number;
  rows: number;
  wal_position: number;
};

export type Footer = {
  /** Bytes read from parts. */
  bytes_scanned: number;
  /** Whether fewer rows are given than were found. */
  cut: boolean;
  /** Parts that are damaged and set aside: their rows are missing. */
  damaged_parts: number;
  elapsed_ms: number;
  /** Groups in all, where only the largest have a series. */
  groups?: number | null;
  /** How long ago that was. */
  newest_age_ms?: number | null;
  /** When the newest event of the tables asked came in, in nanoseconds since 1970. */
  newest_received_at?: string | null;
  /** Parts that had to be looked at, after pruning by time. */
  parts_scanned: number;
  /** How far a percentile of histograms may be from that of the values themselves: the width of its bucket. */
  percentile_error_max?: number | null;
  /** Events acknowledged up to this position of the log are in the answer. */
  position: number;
  /** Rows given. */
  rows: number;
  /** Rows the query has found, where that is known: the newest events are not counted to the last. */
  rows_found?: number | null;
  /** Those of them that were in memory. */
  rows_in_memory: number;
  /** Rows of the tables that had to be looked at, after pruning by time. */
  rows_scanned: number;
  /** Whether some of the events stand for several (`sample_weight` is not 1). The query API weighs them; SQL has to name the column itself. */
  sampled: boolean;
  /** The SQL that the query API's question became. */
  sql?: string | null;
};

export type Key = {
  /** Nanoseconds since 1970, like the other times. */
  created_at: string;
  name: string;
  /** Never given to another key. */
  number: number;
  origins: string[];
  revoked_at?: string | null;
  scope: string;
  /** To a minute; null if never. */
  used_at?: string | null;
};

export type KeyRequest = {
  /** For people. */
  name?: string;
  /** The pages that may use it: of browser keys, which need one at least. */
  origins?: string[];
  /** `ingest`, `browser`, `read` or `admin`. */
  scope: string;
};

export type Ledger = {
  lines: LedgerLine[];
  /** The last refusals since the start, newest first; the same one again is counted, not listed again. */
  refusals: Refused[];
  /** Nothing was counted before: nanoseconds since 1970. */
  since: string;
  total: LedgerTotal;
};

export type LedgerCount = {
  records: number;
  requests: number;
};

export type LedgerLine = LedgerTotal & {
  /** In UTC; absent where all days are counted together. */
  day?: string | null;
  /** The key's number; 0 for none. */
  key: number;
  signal: string;
};

export type LedgerTotal = {
  /** Repeated what was stored already. */
  deduplicated: LedgerCount;
  /** Told to come again, so not lost and not in `received`, by reason. */
  deferred: Record<string, LedgerCount>;
  received: LedgerCount;
  /** For good, by reason. */
  refused: Record<string, LedgerCount>;
  sampled_out: LedgerCount;
  stored: LedgerCount;
};

export type LeftOut = {
  /** Of these edges. */
  calls: number;
  edges: number;
  nodes: number;
};

export type Limit = {
  /** What happens beyond it: a status, or what is done instead. */
  beyond: string;
  /** Where to see how near it is, or how often it was met. */
  metric?: string | null;
  name: string;
  /** What `crawlspace serve` calls it, where it can be set. */
  setting?: string | null;
  /** `bytes`, `seconds`, `bytes/second`, or what is counted. */
  unit: string;
  value: number;
};

export type LogRecord = {
  attributes: Record<string, unknown>;
  body?: string | null;
  "event.name"?: string | null;
  observed_time?: string | null;
  resource: Record<string, unknown>;
  scope: Record<string, unknown>;
  "scope.name"?: string | null;
  "service.name"?: string | null;
  severity_number?: number | null;
  severity_text?: string | null;
  span_id?: string | null;
  time: string;
};

export type ApiMap = {
  /** Of the same time, whatever the condition. */
  completeness: Completeness;
  difference?: Difference | null;
  /** Those with the most calls first. */
  edges: Edge[];
  /** Not included. */
  end: string;
  /** What is not shown, as it has the fewest calls. */
  left_out: LeftOut;
  /** Those that are asked the most first. */
  nodes: ApiNode[];
  /** Nanoseconds since 1970; null for all times before. */
  start?: string | null;
  /** Events that call something and do not say what, so that no edge shows them. */
  unnamed_calls: number;
  unnamed_calls_query: Evidence;
  where?: string | null;
};

export type ApiNode = Figures & {
  /** Of a known vendor, what it is for. */
  category?: string | null;
  id: string;
  kind: NodeKind;
  name: string;
  query: Evidence;
  /** Spans of its own, by their weights. */
  spans: number;
};

export type NodeKind = "service" | "browser" | "store" | "queue" | "vendor" | "host";

export type Note = Stamp & {
  about: NoteAbout[];
  /** Null for one moment. */
  end?: string | null;
  /** Never given to another. */
  id: number;
  text: string;
  /** Nanoseconds since 1970, like the other times. */
  time: string;
};

export type NoteAbout = {
  field: string;
  value: string;
};

export type NoteContent = {
  /** What it is about, all of it: at most ten fields. Empty if it concerns everything. */
  about?: NoteAbout[];
  /** Of a stretch of time; absent for one moment. */
  end?: string | null;
  /** At most 2,000 characters. */
  text: string;
  /** Absent: now. */
  time?: string | null;
};

export type Notes = {
  /** There are older ones. */
  cut: boolean;
  notes: Note[];
};

export type Odd = {
  completeness?: Completeness | null;
  /** Earlier days whose same hour is known. */
  days: number;
  end: string;
  findings: OddFinding[];
  /** Flows and services that were looked at. */
  flows: number;
  /** Flows that were not, since there are too many: those with the fewest requests. */
  flows_left_out: number;
  /** Findings in all, given or not. */
  found: number;
  services: number;
  /** The hour that is asked about, in nanoseconds since 1970; the end is not included. */
  start: string;
  statement: string;
  /** Questions that were asked of the figures; the threshold is corrected for so many. */
  tests: number;
  verdict: OddVerdict;
};

export type OddChange = "more" | "less" | "new" | "gone";

export type OddFigures = {
  /** Null where there is no request. */
  error_share?: number | null;
  errors: number;
  evidence: Evidence;
  p50_ns?: number | null;
  p99_ns?: number | null;
  requests: number;
};

export type OddFinding = {
  change: OddChange;
  /** The body that asks `POST /api/v1/compare` what is different about it; null where one side has nothing to compare. */
  compare?: Record<string, unknown> | null;
  /** The name of the flow's first span; absent for a service as a whole. */
  flow?: string | null;
  /** Earlier hours that it was compared with. */
  hours: number;
  measure: OddMeasure;
  now: OddFigures;
  /** How improbable the difference would be by chance alone. It is odd if that, times `tests`, is at most 0.002. */
  p_value: number;
  reference: OddReference;
  "service.name"?: string | null;
  statement: string;
  /** Of the earlier hours, the middle one of each figure. */
  usual: OddFigures;
};

export type OddMeasure = "errors" | "latency" | "tail" | "rate";

export type OddReference = "same_hour" | "hour_before";

export type OddVerdict = "odd" | "typical" | "cannot_tell";

export type OutlineEvents = {
  name: (number | null)[];
  /** The span's place; -1 if it is not here. */
  span: number[];
  time_ns: number[];
};

export type OutlineLogs = {
  severity_number: (number | null)[];
  /** The span's place; -1 if it names none, or one that is not here. */
  span: number[];
  time_ns: number[];
};

export type OutlineSpans = {
  /** `null` while the span has no end. */
  duration_ns: (number | null)[];
  kind: number[];
  /** The places of the spans that link to others. */
  linked: number[];
  name: number[];
  /** The parent's place in these lists; -1 without one, -2 if it is not here. */
  parent: number[];
  "service.name": (number | null)[];
  span_id: string[];
  start_ns: number[];
  status_code: number[];
};

export type PlaceKind = "service" | "vendor" | "store";

export type ApiProblem = {
  column?: number | null;
  /** What is wrong, and what to do. */
  detail: string;
  /** Where in the text that was sent, from 1. */
  line?: number | null;
  status: number;
  /** The name that was probably meant. */
  suggestion?: string | null;
  title: string;
  type: string;
};

export type QueryRequest = {
  /** `count`, `count(x)`, `count_distinct(x)`, `rate`, `rate(x)`, `increase(x)`, `sum(x)`, `avg(x)`, `min(x)`, `max(x)`, `stddev(x)`, `first(x)`, `last(x)`, `p99(x)`, `heatmap(x)`. */
  calculate?: string[];
  fill?: Fill | null;
  /** `spans`, `logs`, `metrics` or `changes`. */
  from: string;
  /** Also groups by time, in steps like `1m`. */
  granularity?: string | null;
  group_by?: string[];
  /** An SQL condition over groups and calculations. */
  having?: string | null;
  /** Groups or events to give. With both groups and steps of time: the groups that have a series, the largest over the whole range first. */
  limit?: number | null;
  /** Groups or calculations; with a minus in front, the largest first. */
  order_by?: string[];
  /** Whether the groups without a series of their own have one together. */
  other?: boolean;
  range?: ApiRange | null;
  /** How long the answer may take, like `10s`; at most ten minutes. Absent: 30 seconds. */
  timeout?: string | null;
  /** How far the clocks are ahead of UTC where steps of days start at midnight, like `+02:00`. */
  utc_offset?: string | null;
  /** An SQL condition with dotted names. */
  where?: string | null;
};

export type ApiRange = {
  end?: string | null;
  /** So long until now, like `1h`. */
  last?: string | null;
  start?: string | null;
};

export type Refused = {
  door: string;
  first_time: string;
  key: number;
  /** What the client was told. */
  message: string;
  reason: string;
  signal: string;
  /** The last time: nanoseconds since 1970. */
  time: string;
  times: number;
  user_agent: string;
};

export type Sampled = {
  /** The sum of all weights. */
  events: number;
  query: Evidence;
  spans: number;
  /** The largest weight: how many events one span stands for at most. */
  weight_max: number;
};

export type SavedContent = {
  /** Of a page of the window, with what stands behind it, encoded and without a leading slash; empty for the first page. At most 8 KiB. */
  address: string;
  /** What it is good for; at most 1,000 characters. */
  description?: string;
  /** One line of at most 100 characters. */
  name: string;
};

export type SavedQuestion = Stamp & {
  address: string;
  description: string;
  /** Never given to another. */
  id: number;
  name: string;
};

export type SelfCheck = {
  /** From then until it was found, once. */
  found_ms: number;
  /** Until the event was acknowledged. */
  stored_ms: number;
};

export type Share = {
  count: number;
  of: number;
  query: Evidence;
  /** From 0 to 1; 0 of nothing. */
  share: number;
};

export type Span = {
  attributes: Record<string, unknown>;
  /** `None` while the span has no end. */
  duration_ns?: number | null;
  events: SpanEvent[];
  kind: string;
  links: unknown;
  name: string;
  parent_span_id?: string | null;
  received_at: string;
  resource: Record<string, unknown>;
  sample_weight: number;
  scope: Record<string, unknown>;
  "scope.name"?: string | null;
  "scope.version"?: string | null;
  "service.name"?: string | null;
  span_id: string;
  status_code: string;
  status_message?: string | null;
  time: string;
  trace_state?: string | null;
};

export type SpanEvent = {
  attributes: Record<string, unknown>;
  name?: string | null;
  time: string;
};

export type SqlRequest = {
  /** Rows to give at most, up to ten million. Absent: 100,000. */
  rows_max?: number | null;
  /** One SELECT over `spans`, `logs`, `metrics` and `changes`. */
  sql: string;
  /** How long it may take, like `10s`; at most ten minutes. Absent: 30 seconds. */
  timeout?: string | null;
};

export type Stamp = {
  /** Null if never. */
  changed_at?: string | null;
  changed_by?: string | null;
  /** Nanoseconds since 1970, like the other times. */
  created_at: string;
  /** The name of the key, or `local` where none was needed. */
  created_by: string;
  /** Whether the caller may change and delete it: those may whose key made it, and keys for admin. */
  may_change: boolean;
};

export type TableSize = {
  /** Attributes with a column of their own, or known to be in `overflow`. */
  attributes: number;
  part_bytes: number;
  parts: number;
  rows: number;
  rows_in_memory: number;
  table: string;
};

export type Trace = {
  /** Parts that are damaged and set aside: spans may be missing. */
  damaged_parts: number;
  /** By time; the events of spans are with these. */
  logs: LogRecord[];
  spans: Span[];
  trace_id: string;
};

export type TraceAnswer = Trace | TraceOutline;

export type TraceEvidence = {
  /** As many traces as these count for: fewer where they stand for different numbers of traces. */
  effective: number;
  /** What it would be if the value had nothing to do with it: for `part`, the mean over all traces; for `hit`, at most the mean number of a trace's events times the part of all events that is in the selection. */
  expected: number;
  /** `part`: of each trace, the part of the events that is in the selection. `hit`: 1 if one of them is. */
  measure: string;
  /** Whether it is about the events that do not have the value. */
  of_others: boolean;
  query: Evidence;
  /** The mean over these traces. */
  selected: number;
  /** Traces with such events. */
  traces: number;
};

export type TraceOutline = {
  /** When the first span begins, or else the first record; nanoseconds since 1970, as text. Other times count from it. */
  base_time: string;
  /** Parts that are damaged and set aside: spans may be missing. */
  damaged_parts: number;
  events: OutlineEvents;
  logs: OutlineLogs;
  spans: OutlineSpans;
  /** Each text once; the lists name it by its place here. */
  texts: string[];
  trace_id: string;
};

export type Value = unknown;

export type ValueShares = {
  /** Of the baseline's. */
  baseline: number;
  /** The same as a condition: for `where`. */
  condition: string;
  /** Gives both. */
  query: Evidence;
  /** Of the selection's events, by weight, from 0 to 1. */
  selection: number;
  /** `is`, `at_least`, `below`, `present` or `absent`. */
  test: string;
  /** Null for `present` and `absent`. */
  value: Value;
};

export type Verdict = "whole" | "cannot_tell";
