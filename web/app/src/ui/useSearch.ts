// Reads and changes what every page carries in its address.
import { useNavigate, useSearch as useRouterSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { type Chip, type Search, withChip } from "../lib/search";

/** The time and the chips of this page's address. */
export function useSearch(): Search {
  return useRouterSearch({ strict: false });
}

/** Changes some of them and stays on the page; each change is a step of the browser's history. */
export function useChangeSearch(): (change: Partial<Search>) => void {
  const navigate = useNavigate();
  return useCallback(
    (change) => {
      void navigate({ to: ".", search: (before) => ({ ...before, ...change }) });
    },
    [navigate],
  );
}

/** Adds a chip to those of this page. */
export function useAddChip(): (chip: Chip) => void {
  const search = useSearch();
  const change = useChangeSearch();
  return useCallback((chip) => change({ where: withChip(search.where, chip) }), [change, search.where]);
}

/** The time and chips alone: what a link to another page takes along. */
export function carried({ last, from, to, live, where }: Search): Search {
  return { last, from, to, live: from ? undefined : live, where };
}
