// Opens a trace file, OTLP JSON or Jaeger's JSON, in the browser; nothing of it is sent.
import { Button, FileButton } from "@mantine/core";
import { useState } from "react";
import type { Trace } from "../../../api/types";
import { readTraceFile } from "./file";

type Properties = { onTrace: (trace: Trace) => void; small?: boolean };

export function OpenFile({ onTrace, small = false }: Properties) {
  const [problem, setProblem] = useState("");
  const open = async (file: File | null) => {
    if (!file) return;
    try {
      onTrace(readTraceFile(await file.text()));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <FileButton accept=".json,application/json" onChange={(file) => void open(file)}>
        {(button) => (
          <Button
            variant="default"
            size={small ? "compact-sm" : "sm"}
            title="OTLP JSON or Jaeger JSON; it is read here, in the browser, and not sent"
            {...button}
          >
            {small ? "Open a file" : "Open a trace file"}
          </Button>
        )}
      </FileButton>
      {small ? null : (
        <p className="quiet small">OTLP JSON or Jaeger JSON. It is read here, in the browser, and not sent.</p>
      )}
      {problem ? <p role="alert">{problem}</p> : null}
    </>
  );
}
