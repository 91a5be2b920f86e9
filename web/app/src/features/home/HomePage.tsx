// The first page: what is odd now, the services, the newest errors; or how to send data while there is none.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { getJson } from "../../api/client";
import type { TableSize } from "../../api/types";
import { NotesList } from "../../ui/notes/NotesList";
import { Failed, Loading } from "../../ui/States";
import { NewestErrors } from "./NewestErrors";
import { OddNow, useOdd } from "./OddNow";
import { Onboarding } from "./Onboarding";
import { refreshEvery, waitingEvery } from "./questions";
import { Services } from "./Services";
import { Stored } from "./Stored";
import "./home.css";

export function HomePage() {
  // Who came while the store was empty stays with the instructions until they go on: they are told what arrived.
  const [welcomed, setWelcomed] = useState<boolean>();
  const tables = useQuery({
    queryKey: ["tables"],
    queryFn: ({ signal }) => getJson<TableSize[]>("api/v1/tables", {}, signal),
    refetchInterval: welcomed ? waitingEvery : refreshEvery,
  });
  // Asked at once, and not only when it is known that there is data: nearly always there is.
  useOdd();
  const empty = tables.data?.every((table) => table.rows === 0);
  // What was said of the empty store is not so any more when the first event comes.
  const queries = useQueryClient();
  const arrived = welcomed === true && empty === false;
  useEffect(() => {
    if (arrived) void queries.invalidateQueries({ queryKey: ["odd"] });
  }, [arrived, queries]);
  if (empty && welcomed === undefined) setWelcomed(true);
  return (
    <div className="page">
      {tables.isPending ? <Loading what="what there is" /> : null}
      {!tables.data && tables.isError ? (
        <>
          <div className="page-head">
            <h1>What is odd now</h1>
          </div>
          <Failed error={tables.error} onRetry={() => void tables.refetch()} />
        </>
      ) : null}
      {tables.data && (empty || welcomed) ? (
        <Onboarding tables={tables.data} onDone={() => setWelcomed(false)} />
      ) : null}
      {tables.data && !empty && !welcomed ? (
        <>
          <OddNow />
          <Services />
          <NewestErrors />
          <div className="home-section">
            <NotesList open />
          </div>
          <Stored tables={tables.data} />
        </>
      ) : null}
    </div>
  );
}
