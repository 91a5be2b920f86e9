// Notes pinned to a time: those of a range, and how they are pinned, changed and deleted.
import { keepPreviousData, type UseMutationResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getJson, postJson, sendJson } from "./client";
import type { ApiRange, Note, NoteContent, Notes } from "./types";

const key = "notes";
/** Others, and programs, pin notes too. */
const refreshEvery = 30_000;

export function useNotes({ last, start, end }: ApiRange) {
  return useQuery({
    queryKey: [key, last, start, end],
    queryFn: ({ signal }) => getJson<Notes>("api/v1/notes", { last, start, end }, signal),
    refetchInterval: refreshEvery,
    placeholderData: keepPreviousData,
  });
}

/** Pins a note, or changes the one that has the id. */
export function usePin(): UseMutationResult<Note, Error, NoteContent & { id?: number | undefined }> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...content }) =>
      id === undefined ? postJson<Note>("api/v1/notes", content) : sendJson<Note>("PUT", `api/v1/notes/${id}`, content),
    onSuccess: () => queries.invalidateQueries({ queryKey: [key] }),
  });
}

export function useDeleteNote(): UseMutationResult<Note, Error, number> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id) => sendJson<Note>("DELETE", `api/v1/notes/${id}`),
    onSuccess: () => queries.invalidateQueries({ queryKey: [key] }),
  });
}
