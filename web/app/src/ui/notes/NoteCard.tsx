// One note: what it says, when, what it is about and who says so; those who may change it can.
import { Button } from "@mantine/core";
import { useDeleteNote } from "../../api/notes";
import type { Note } from "../../api/types";
import { formatTime } from "../../lib/format";
import { Confirm } from "../team/Confirm";
import { openNote } from "../team/dialogs";
import { Refusal } from "../team/Refusal";
import { stampText } from "../team/stamp";
import { useUtc } from "../useUtc";
import { ValueMenu } from "../ValueMenu";
import "./notes.css";

export function NoteCard({ note }: { note: Note }) {
  return (
    <article className="note-card" aria-label={`Note ${note.id}`}>
      <p className="note-text">{note.text}</p>
      <NoteAboutList note={note} />
      <p className="quiet small">
        <NoteTime note={note} /> · {stampText(note)}
      </p>
      <NoteActions note={note} />
    </article>
  );
}

export function NoteTime({ note }: { note: Note }) {
  const [utc] = useUtc();
  const short = (time: string) => formatTime(time, utc).slice(0, 19);
  const [first, last] = [short(note.time), note.end ? short(note.end) : undefined];
  if (!last) return <>{first}</>;
  return (
    <>
      {first} to {last.slice(0, 10) === first.slice(0, 10) ? last.slice(11) : last}
    </>
  );
}

export function NoteAboutList({ note }: { note: Note }) {
  if (!note.about.length) return null;
  return (
    <ul className="note-about" aria-label="What it is about">
      {note.about.map(({ field, value }) => (
        <li key={`${field} ${value}`}>
          <span className="quiet">{field}</span> <ValueMenu field={field} value={value} />
        </li>
      ))}
    </ul>
  );
}

export function NoteActions({ note }: { note: Note }) {
  const remove = useDeleteNote();
  if (!note.may_change) {
    return <p className="quiet small">Only the key that it was made with, or one for admin, may change it.</p>;
  }
  return (
    <>
      <div className="note-actions">
        <Button
          variant="subtle"
          size="compact-xs"
          aria-label={`Change note ${note.id}`}
          onClick={() => openNote({ note })}
        >
          Change
        </Button>
        <Confirm
          action="Delete"
          label={`Delete note ${note.id}`}
          question="Delete this note for everyone?"
          busy={remove.isPending}
          onConfirm={() => remove.mutate(note.id)}
        />
      </div>
      <Refusal error={remove.error} />
    </>
  );
}
