// The answer as a file: CSV, NDJSON or Parquet, as the API writes them.
import { Button, Menu } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { ask, Problem } from "../../../api/client";
import { useAddress } from "../answers";
import { bodyOf } from "../question/question";
import { bodyText, curlOf } from "../question/wording";
import type { View } from "../search";

const formats = [
  { format: "csv", name: "CSV" },
  { format: "ndjson", name: "NDJSON" },
  { format: "parquet", name: "Parquet" },
] as const;

export function ExportMenu({ view }: { view: View }) {
  const search = useAddress();
  const clipboard = useClipboard();
  const body = bodyOf(search, view);
  const file = useMutation({
    mutationFn: async (format: string) => {
      const response = await ask(`api/v1/query?format=${format}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: bodyText(body),
      });
      keep(
        await response.blob(),
        `${body.from}-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.${format}`,
      );
    },
  });
  const failed = file.error instanceof Problem ? file.error.detail : file.error ? "The file did not come whole." : null;
  return (
    <>
      <Menu>
        <Menu.Target>
          <Button variant="subtle" loading={file.isPending}>
            Export
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>What is shown here, as a file</Menu.Label>
          {formats.map(({ format, name }) => (
            <Menu.Item key={format} onClick={() => file.mutate(format)}>
              {name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={() => clipboard.copy(curlOf(body))}>Copy as cURL</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {failed ? (
        <span role="alert" className="small warned">
          {failed}
        </span>
      ) : null}
    </>
  );
}

function keep(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
