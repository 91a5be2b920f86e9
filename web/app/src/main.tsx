// Starts the window.
import "@mantine/core/styles.css";
import "@mantine/spotlight/styles.css";
import "./ui/tokens.css";
import "./ui/page.css";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Problem } from "./api/client";
import { router } from "./routes";
import { theme, variables } from "./ui/theme";

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: false,
      // What the server refused it refuses again; only a busy or unreachable one is worth a second question.
      retry: (count, error) => count < 1 && error instanceof Problem && (error.status === 0 || error.status === 503),
    },
  },
});

const place = document.getElementById("root");
if (!place) throw new Error("index.html has no place for the window");
createRoot(place).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
