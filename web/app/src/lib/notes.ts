// Which notes concern a view, and where they stand on its time axis.
import type { Note } from "../api/types";
import type { Chip } from "./search";

/** A note is left out only where the filters leave out what it is about. */
export function concerns(note: Pick<Note, "about">, chips: readonly Chip[] | undefined): boolean {
  return note.about.every(({ field, value }) =>
    (chips ?? []).every((chip) => {
      if (chip.field !== field || chip.value === null) return true;
      if (chip.operator === "=") return String(chip.value) === value;
      return chip.operator !== "!=" || String(chip.value) !== value;
    }),
  );
}

/** What a new note in this view may be about: the values that the filters ask for. */
export function aboutOf(chips: readonly Chip[] | undefined): Note["about"] {
  return (chips ?? [])
    .filter((chip) => chip.operator === "=" && chip.value !== null && chip.value !== "")
    .map((chip) => ({ field: chip.field, value: String(chip.value) }));
}

/** Nanoseconds since 1970 in milliseconds. */
export function milliseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1_000n) / 1_000;
}

/** Milliseconds since 1970 in nanoseconds. */
export function nanoseconds(time: number): string {
  return (BigInt(Math.round(time * 1_000)) * 1_000n).toString();
}

/** Notes that stand so near to each other that one mark stands for them, and their place from 0 to 1. */
export type Mark = { place: number; notes: Note[] };

/** Marks of a time in milliseconds, the earliest first, at least `gap` (a part of the axis) apart. */
export function marksOf(notes: readonly Note[], start: number, end: number, gap: number): Mark[] {
  const marks: Mark[] = [];
  const placed = notes
    .map((note) => ({ note, place: (milliseconds(note.time) - start) / (end - start) }))
    // What began before is marked where the axis begins.
    .map(({ note, place }) => ({ note, place: place < 0 && note.end ? 0 : place }))
    .filter(({ place }) => place >= 0 && place <= 1)
    .sort((left, right) => left.place - right.place);
  for (const { note, place } of placed) {
    const before = marks.at(-1);
    if (before && place - before.place < gap) before.notes.push(note);
    else marks.push({ place, notes: [note] });
  }
  return marks;
}

export type Band = { id: number; left: number; width: number };

/** The stretches of time that notes are about, as parts of the axis. */
export function bandsOf(notes: readonly Note[], start: number, end: number): Band[] {
  return notes.flatMap((note) => {
    if (!note.end) return [];
    const left = Math.max(0, (milliseconds(note.time) - start) / (end - start));
    const right = Math.min(1, (milliseconds(note.end) - start) / (end - start));
    return right > left ? [{ id: note.id, left, width: right - left }] : [];
  });
}

/** Where notes are on a line without an axis, whose steps begin at `times` (nanoseconds). */
export function sparkMarks(notes: readonly Note[], times: readonly string[]): { place: number; text: string }[] {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  return marksOf(notes, milliseconds(first), milliseconds(last), 0.03).map(({ place, notes: near }) => ({
    place,
    text: near.map((note) => note.text).join(", "),
  }));
}
