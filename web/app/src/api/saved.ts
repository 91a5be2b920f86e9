// Saved questions: all of them, one of them, and how they are saved, changed and deleted.
import { type UseMutationResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getJson, postJson, sendJson } from "./client";
import type { SavedContent, SavedQuestion } from "./types";

const key = "saved";

export function useSaved(enabled = true) {
  return useQuery({
    queryKey: [key],
    queryFn: ({ signal }) => getJson<SavedQuestion[]>("api/v1/saved", {}, signal),
    enabled,
  });
}

export function useSavedOne(id: string) {
  return useQuery({
    queryKey: [key, id],
    queryFn: ({ signal }) => getJson<SavedQuestion>(`api/v1/saved/${encodeURIComponent(id)}`, {}, signal),
    // Someone may have changed what the link shows.
    staleTime: 0,
    gcTime: 0,
  });
}

/** Saves a question, or changes the one that has the id. */
export function useSave(): UseMutationResult<SavedQuestion, Error, SavedContent & { id?: number | undefined }> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, ...content }) =>
      id === undefined
        ? postJson<SavedQuestion>("api/v1/saved", content)
        : sendJson<SavedQuestion>("PUT", `api/v1/saved/${id}`, content),
    onSuccess: () => queries.invalidateQueries({ queryKey: [key] }),
  });
}

export function useDeleteSaved(): UseMutationResult<SavedQuestion, Error, number> {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id) => sendJson<SavedQuestion>("DELETE", `api/v1/saved/${id}`),
    onSuccess: () => queries.invalidateQueries({ queryKey: [key] }),
  });
}
