// The palette: pages, a pasted trace, and the fields of the events, all by writing.
import { Spotlight, type SpotlightActionData, spotlight } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useFields } from "../../api/fields";
import { useSaved } from "../../api/saved";
import { readTraceTarget } from "../../lib/trace-id";
import { paths } from "../../paths";
import { keyNames, runShortcut, type ShortcutId, shortcuts, useShortcut } from "../shortcuts";
import { carried, useSearch } from "../useSearch";

const pages = [
  ["go-home", paths.home, "What is odd now"],
  ["go-explore", paths.explore, "Explore"],
  ["go-compare", paths.compare, "Compare"],
  ["go-map", paths.map, "Map"],
  ["go-entity", paths.entity, "Who is this"],
  ["go-live", paths.live, "Live"],
  ["go-sql", paths.sql, "SQL"],
  ["go-saved", paths.saved, "Saved questions"],
  ["go-health", paths.health, "Health"],
] as const;

const deeds = [
  ["save", "Save this view"],
  ["note", "Pin a note to a time"],
] as const;

export function Palette() {
  const navigate = useNavigate();
  const search = carried(useSearch());
  const [query, setQuery] = useState("");
  const fields = useFields();
  // Asked for when it opens, since others save questions, too.
  const [opened, setOpened] = useState(false);
  const saved = useSaved(opened);
  useShortcut("palette", () => {
    if (opened) void saved.refetch();
    setOpened(true);
    spotlight.open();
  });
  const go = (to: (typeof pages)[number][1]) => void navigate({ to, search });

  const target = readTraceTarget(query);
  const wanted = query.trim().toLowerCase();
  const fits = (text: string) => text.toLowerCase().includes(wanted);
  const traces: SpotlightActionData[] = target
    ? [
        {
          id: "trace",
          label: "Open the trace",
          description: target.trace,
          onClick: () =>
            void navigate({ to: paths.trace, params: { id: target.trace }, search: { ...search, span: target.span } }),
        },
      ]
    : [];
  const found = pages
    .filter(([, , name]) => fits(name))
    .map(([id, to, label]) => ({
      id,
      label,
      rightSection: <span className="quiet small">{keysOf(id)}</span>,
      onClick: () => go(to),
    }));
  const grouped = (wanted ? fields.filter((field) => fits(field.name)) : []).slice(0, 12).map((field) => ({
    id: `field ${field.name}`,
    label: field.name,
    description: `Explore by this field (${field.type})`,
    onClick: () => void navigate({ to: paths.explore, search: { ...search, group: [field.name] } }),
  }));
  const kept = (saved.data ?? [])
    .filter((one) => fits(`${one.name} ${one.description}`))
    .slice(0, wanted ? 12 : 5)
    .map((one) => ({
      id: `saved ${one.id}`,
      label: one.name,
      description: one.description,
      onClick: () => void navigate({ to: paths.short, params: { id: String(one.id) } }),
    }));
  const done = deeds
    .filter(([, label]) => fits(label))
    .map(([id, label]) => ({
      id,
      label,
      rightSection: <span className="quiet small">{keysOf(id)}</span>,
      onClick: () => runShortcut(id),
    }));
  const groups = [
    { group: "Trace", actions: traces },
    { group: "Pages", actions: found },
    { group: "Saved questions", actions: kept },
    { group: "Here", actions: done },
    { group: "Fields", actions: grouped },
  ].filter((one) => one.actions.length);
  return (
    <>
      {pages.map(([id, to]) => (
        <PageShortcut key={id} id={id} go={() => go(to)} />
      ))}
      <Spotlight
        actions={groups}
        // What fits is chosen above, since a pasted trace is not found by its text.
        filter={(_, actions) => actions}
        query={query}
        onQueryChange={setQuery}
        shortcut={null}
        scrollable
        overlayProps={{ blur: 0, backgroundOpacity: 0.35 }}
        maxHeight={420}
        nothingFound="Nothing is called so"
        searchProps={{ placeholder: "Page, saved question, field or trace id", "aria-label": "Go to" }}
      />
    </>
  );
}

function PageShortcut({ id, go }: { id: ShortcutId; go: () => void }) {
  useShortcut(id, go);
  return null;
}

function keysOf(id: ShortcutId): string {
  return keyNames(shortcuts.find((one) => one.id === id)?.keys ?? "").join(" ");
}
