// The store of answers: how long they are good, and which questions are worth a second try.
import { QueryClient } from "@tanstack/react-query";
import { Problem } from "./client";

/** Of a question whose answer is about the page's time: the live switch asks it again. */
export const followsTime = { followsTime: true };

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: false,
      // What the server refused it refuses again; only a busy or unreachable one is worth a second question.
      retry: (count, error) => count < 1 && error instanceof Problem && (error.status === 0 || error.status === 503),
    },
  },
});
