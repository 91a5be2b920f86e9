// The notes of this page's time that its filters do not leave out.
import { useMemo } from "react";
import { useNotes } from "../../api/notes";
import type { Note } from "../../api/types";
import { concerns } from "../../lib/notes";
import { rangeOf } from "../../lib/search";
import { useSearch } from "../useSearch";

const none: Note[] = [];

export function useNotesHere() {
  const search = useSearch();
  const asked = useNotes(rangeOf(search));
  const notes = useMemo(
    () => asked.data?.notes.filter((note) => concerns(note, search.where)) ?? none,
    [asked.data, search.where],
  );
  return {
    notes,
    isKnown: asked.data !== undefined,
    cut: asked.data?.cut ?? false,
    error: asked.error,
    retry: () => void asked.refetch(),
  };
}
