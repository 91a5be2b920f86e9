// Rounds of questions follow each other, rest while nobody looks, and are slower for long times.
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { followsTime } from "../../api/queries";
import { roundLength, useAsOf, useRounds } from "./useLive";

const minute = 60_000;
let answers: (() => void)[] = [];
let asked = 0;
let isHidden = false;

const ask = () => {
  asked += 1;
  return new Promise<number>((resolve) => answers.push(() => resolve(asked)));
};

async function answer() {
  for (const one of answers.splice(0)) one();
  await pass(0);
}

async function pass(milliseconds: number) {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(milliseconds);
  });
}

async function live(isOn: boolean) {
  const queries = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={queries}>{children}</QueryClientProvider>
  );
  const hook = renderHook(
    (now: boolean) => {
      useQuery({ queryKey: ["of the time"], queryFn: ask, meta: followsTime });
      useQuery({ queryKey: ["of all times"], queryFn: () => "never asked again" });
      useRounds(now, { last: "15m" });
      return useAsOf();
    },
    { wrapper, initialProps: isOn },
  );
  await answer();
  return hook;
}

beforeEach(() => {
  vi.useFakeTimers();
  answers = [];
  asked = 0;
  isHidden = false;
  vi.spyOn(document, "hidden", "get").mockImplementation(() => isHidden);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test("the next round begins only after the answers of the one before", async () => {
  const { unmount } = await live(true);
  expect(asked).toBe(1);
  await pass(5_000);
  expect(asked).toBe(2);
  await pass(minute);
  expect(asked).toBe(2);
  await answer();
  // It took a minute: the server gets time to rest.
  await pass(2 * minute);
  expect(asked).toBe(2);
  await pass(3 * minute);
  expect(asked).toBe(3);
  unmount();
});

test("nothing is asked while the page is hidden, and at once when it is seen again", async () => {
  const { unmount } = await live(true);
  isHidden = true;
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(10 * minute);
  expect(asked).toBe(1);
  isHidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(10);
  expect(asked).toBe(2);
  unmount();
});

test("a pause ends the rounds, and the page says of when its answers are", async () => {
  const { result, rerender, unmount } = await live(true);
  const first = result.current.asOf?.time;
  rerender(false);
  await pass(minute);
  expect(asked).toBe(1);
  expect(result.current.asOf).toEqual({ time: first, isLate: false });
  act(() => result.current.ask());
  await pass(0);
  await answer();
  expect(result.current.asOf?.time).toBeGreaterThan(first ?? 0);
  unmount();
});

test("a long time is asked again less often", () => {
  expect([15 * minute, 180 * minute, 1440 * minute].map(roundLength)).toEqual([5_000, 15_000, 60_000]);
});
