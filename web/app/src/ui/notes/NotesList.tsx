// The notes of the page's time as a table: what the marks on the charts say, for everyone.
import { Button } from "@mantine/core";
import { useState } from "react";
import { Scroll } from "../Scroll";
import { Failed } from "../States";
import { openNote } from "../team/dialogs";
import { stampText } from "../team/stamp";
import { NoteAboutList, NoteActions, NoteTime } from "./NoteCard";
import { useNotesHere } from "./useNotesHere";
import "./notes.css";

/** Closed until it is asked for; a page with nothing else to say of notes has it open. */
export function NotesList({ open: atFirst = false }: { open?: boolean }) {
  const { notes, isKnown, cut, error, retry } = useNotesHere();
  const [open, setOpen] = useState(atFirst);
  return (
    <section className="notes" aria-label="Notes of this time">
      <div className="notes-head">
        {error ? null : notes.length ? (
          <Button variant="subtle" color="gray" size="compact-sm" aria-expanded={open} onClick={() => setOpen(!open)}>
            {notes.length === 1 ? "1 note" : `${notes.length} notes`}
            {cut ? ", the newest" : ""}
          </Button>
        ) : (
          <span className="quiet small">{isKnown ? "No notes in this time" : "Reading the notes"}</span>
        )}
        <Button variant="subtle" size="compact-sm" onClick={() => openNote()}>
          Pin a note
        </Button>
      </div>
      {error ? <Failed error={error} onRetry={retry} /> : null}
      {open && notes.length ? (
        <Scroll label="Notes" className="panel">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Note</th>
                <th scope="col">About</th>
                <th scope="col">Who</th>
                <th scope="col">
                  <span className="visually-hidden">What to do with it</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {notes.map((note) => (
                <tr key={note.id}>
                  <td className="note-when">
                    <NoteTime note={note} />
                  </td>
                  <td className="note-text">{note.text}</td>
                  <td>
                    <NoteAboutList note={note} />
                  </td>
                  <td className="quiet small">{stampText(note)}</td>
                  <td>
                    <NoteActions note={note} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      ) : null}
    </section>
  );
}
