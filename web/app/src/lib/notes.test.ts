// Which notes a view shows, and where.
import { expect, test } from "vitest";
import type { Note } from "../api/types";
import { aboutOf, bandsOf, concerns, marksOf, milliseconds, nanoseconds, sparkMarks } from "./notes";
import type { Chip } from "./search";

const stamp = { created_at: "0", created_by: "local", changed_at: null, changed_by: null, may_change: true };
const note = (id: number, time: number, end?: number): Note => ({
  id,
  time: nanoseconds(time),
  end: end === undefined ? null : nanoseconds(end),
  text: "x",
  about: [],
  ...stamp,
});
const chip = (field: string, operator: Chip["operator"], value: Chip["value"]): Chip => ({ field, operator, value });

test("a note is left out where the filters leave out what it is about", () => {
  const about = [{ field: "service.name", value: "cart" }];
  const cases: [Chip[], boolean][] = [
    [[], true],
    [[chip("service.name", "=", "cart")], true],
    [[chip("service.name", "=", "pay")], false],
    [[chip("service.name", "!=", "cart")], false],
    [[chip("service.name", "!=", "pay")], true],
    [[chip("service.name", "exists", null)], true],
    [[chip("name", "=", "pay")], true],
    [[chip("name", "=", "pay"), chip("service.name", "=", "pay")], false],
  ];
  for (const [chips, expected] of cases) expect(concerns({ about }, chips), JSON.stringify(chips)).toBe(expected);
  expect(concerns({ about: [] }, [chip("service.name", "=", "pay")])).toBe(true);
  expect(concerns({ about: [{ field: "code", value: "7" }] }, [chip("code", "=", 7)])).toBe(true);
  expect(aboutOf([chip("a", "=", 7), chip("b", "!=", "x"), chip("c", "=", null)])).toEqual([
    { field: "a", value: "7" },
  ]);
});

test("marks stand at their time, and those too near are one", () => {
  const notes = [note(3, 190), note(1, 110), note(2, 112), note(4, 99), note(5, 201), note(6, 50, 120)];
  const marks = marksOf(notes, 100, 200, 0.05);
  expect(marks.map((mark) => [mark.place, mark.notes.map((one) => one.id)])).toEqual([
    [0, [6]],
    [0.1, [1, 2]],
    [0.9, [3]],
  ]);
});

test("stretches of time are cut where the axis ends", () => {
  expect(
    bandsOf([note(1, 110, 150), note(2, 50, 120), note(3, 180, 300), note(4, 130), note(5, 0, 90)], 100, 200),
  ).toEqual([
    { id: 1, left: 0.1, width: 0.4 },
    { id: 2, left: 0, width: 0.2 },
    { id: 3, left: 0.8, width: expect.closeTo(0.2) },
  ]);
});

test("a line without an axis has the marks of its own time", () => {
  const times = [100, 150, 200].map(nanoseconds);
  expect(sparkMarks([note(1, 150), note(2, 90)], times)).toEqual([{ place: 0.5, text: "x" }]);
  expect(sparkMarks([note(1, 150)], [])).toEqual([]);
});

test("a time keeps its microseconds on the way there and back", () => {
  expect(nanoseconds(milliseconds("1795683600123456000"))).toBe("1795683600123456000");
});
