// The notes of a chart's time: marks over the drawing that open them, and where one was clicked, a button to pin one.
import { Button, Popover } from "@mantine/core";
import { useElementSize } from "@mantine/hooks";
import { IconPin } from "@tabler/icons-react";
import { type CSSProperties, useEffect, useRef } from "react";
import { axisHeight, axisWidth, roomAbove, roomRight } from "../../charts/frame";
import { formatTime } from "../../lib/format";
import { bandsOf, type Mark, marksOf, nanoseconds } from "../../lib/notes";
import { openNote } from "../team/dialogs";
import { useUtc } from "../useUtc";
import { NoteCard } from "./NoteCard";
import { useNotesHere } from "./useNotesHere";
import "./notes.css";

/** Marks have to be hit with a finger, in pixels. */
const markWidth = 24;

type Properties = {
  /** The chart's time, in seconds. */
  start: number;
  end: number;
  /** The moment that was clicked. */
  picked: number | undefined;
  onPick: (moment: number | undefined) => void;
};

const frame: CSSProperties = { left: axisWidth, right: roomRight, top: roomAbove, bottom: axisHeight };

export function ChartNotes({ start, end, picked, onPick }: Properties) {
  const { ref, width } = useElementSize();
  const { notes } = useNotesHere();
  const [from, to] = [start * 1_000, end * 1_000];
  const marks = marksOf(notes, from, to, width ? markWidth / width : 0.05);
  return (
    <div className="notes-frame" style={frame} ref={ref}>
      {bandsOf(notes, from, to).map((band) => (
        <div key={band.id} className="note-band" style={{ left: part(band.left), width: part(band.width) }} />
      ))}
      {marks.map((mark) => (
        <NoteMark key={mark.notes[0]?.id} mark={mark} />
      ))}
      {picked !== undefined && picked >= start && picked <= end ? (
        <Picked key={picked} moment={picked} place={(picked - start) / (end - start)} onPick={onPick} />
      ) : null}
    </div>
  );
}

const part = (share: number) => `${(share * 100).toFixed(3)}%`;

function NoteMark({ mark }: { mark: Mark }) {
  const [utc] = useUtc();
  const first = mark.notes[0];
  if (!first) return null;
  const more = mark.notes.length - 1;
  const time = formatTime(first.time, utc).slice(0, 19);
  const named = `Note: ${first.text}${more ? `, and ${more} more` : ""}, ${time}`;
  return (
    <>
      <div className="note-line" style={{ left: part(mark.place) }} />
      <Popover width="min(360px, calc(100vw - 24px))" trapFocus returnFocus position="bottom">
        <Popover.Target>
          <button
            type="button"
            className="note-mark"
            style={{ left: part(mark.place) }}
            aria-label={named}
            title={named}
          >
            <IconPin size={13} aria-hidden="true" />
            {more ? <span className="note-count">{mark.notes.length}</span> : null}
          </button>
        </Popover.Target>
        <Popover.Dropdown className="note-popover" aria-label={more ? "Notes" : "Note"}>
          {mark.notes.map((note) => (
            <NoteCard key={note.id} note={note} />
          ))}
        </Popover.Dropdown>
      </Popover>
    </>
  );
}

type PickedProperties = { moment: number; place: number; onPick: Properties["onPick"] };

function Picked({ moment, place, onPick }: PickedProperties) {
  const [utc] = useUtc();
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus({ preventScroll: true }), []);
  const time = nanoseconds(moment * 1_000);
  return (
    <>
      <div className="note-line" style={{ left: part(place) }} />
      <Button
        ref={button}
        className={place > 0.5 ? "note-pin note-pin-left" : "note-pin"}
        style={{ left: part(place) }}
        size="compact-xs"
        onClick={() => {
          onPick(undefined);
          openNote({ start: time });
        }}
        onBlur={() => onPick(undefined)}
        onKeyDown={(event) => event.key === "Escape" && onPick(undefined)}
      >
        Pin a note at {formatTime(time, utc).slice(11, 19)}
      </Button>
    </>
  );
}
