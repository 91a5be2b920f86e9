// Above the waterfall: search, errors only, critical path, folding, and the list of keys.
import { ActionIcon, Button, Checkbox, Popover, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronUp, IconKeyboard } from "@tabler/icons-react";
import type { RefObject } from "react";
import { formatCount } from "../../../lib/format";
import type { Whole } from "../useTrace";
import { keyList } from "./useKeys";
import type { Waterfall } from "./useWaterfall";

type Properties = { view: Waterfall; whole: Whole; search: RefObject<HTMLInputElement | null>; onDone: () => void };

export function Toolbar({ view, whole, search, onDone }: Properties) {
  const { hits, text, rows, focus } = view;
  const row = rows[focus];
  const at = row?.kind === "span" ? hits.indexOf(row.node) + 1 : 0;
  return (
    <div className="wf-tools">
      <TextInput
        ref={search}
        className="wf-search"
        aria-label="Search in the trace"
        placeholder="Search in the trace"
        value={text}
        // Attributes are searched, too: they are asked for when it looks as if they will be.
        onFocus={whole.want}
        onChange={(event) => view.setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") view.step(event.shiftKey ? -1 : 1);
          if (event.key === "Escape") {
            view.setText("");
            onDone();
          }
        }}
      />
      {text.trim() ? (
        <>
          <span className="quiet small" role="status">
            {hits.length ? `${at ? `${formatCount(at)} of ` : ""}${formatCount(hits.length)}` : "none found"}
            {whole.state === "loading" ? " so far; attributes are being read" : null}
            {whole.state === "failed" ? ", without attributes: they could not be read" : null}
          </span>
          <ActionIcon
            variant="subtle"
            aria-label="Previous found"
            onClick={() => view.step(-1)}
            disabled={!hits.length}
          >
            <IconChevronUp size={16} />
          </ActionIcon>
          <ActionIcon variant="subtle" aria-label="Next found" onClick={() => view.step(1)} disabled={!hits.length}>
            <IconChevronDown size={16} />
          </ActionIcon>
        </>
      ) : null}
      <Checkbox
        size="xs"
        label="Errors only"
        checked={view.folding.errorsOnly}
        onChange={(event) => view.setErrorsOnly(event.currentTarget.checked)}
      />
      <Checkbox
        size="xs"
        label="Critical path"
        checked={view.critical}
        onChange={(event) => view.setCritical(event.currentTarget.checked)}
      />
      <Button variant="subtle" size="compact-xs" onClick={view.openAll}>
        Open all
      </Button>
      <Button variant="subtle" size="compact-xs" onClick={view.foldAll}>
        Fold all
      </Button>
      {view.zoomed ? (
        <Button variant="subtle" size="compact-xs" onClick={() => view.setShown(null)}>
          Whole trace
        </Button>
      ) : null}
      <Popover>
        <Popover.Target>
          <ActionIcon variant="subtle" color="gray" aria-label="Keys of this page" className="wf-keys">
            <IconKeyboard size={16} />
          </ActionIcon>
        </Popover.Target>
        <Popover.Dropdown>
          <dl className="wf-keylist">
            {keyList.map(([keys, what]) => (
              <div key={keys}>
                <dt className="mono">{keys}</dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}
