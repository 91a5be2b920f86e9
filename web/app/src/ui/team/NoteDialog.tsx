// Pins a note to a time or a stretch of it, or changes one.
import { Button, Checkbox, Modal, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { usePin } from "../../api/notes";
import type { NoteAbout } from "../../api/types";
import { formatTime } from "../../lib/format";
import { aboutOf, nanoseconds } from "../../lib/notes";
import { readMoment } from "../../lib/time";
import { useSearch } from "../useSearch";
import { useUtc } from "../useUtc";
import { closeDialog, type NoteDraft } from "./dialogs";
import { Refusal } from "./Refusal";
import "./team.css";

/** As the server has it. */
const textMax = 2000;

export function NoteDialog({ start, end, note }: NoteDraft) {
  const [utc] = useUtc();
  const pin = usePin();
  const [text, setText] = useState(note?.text ?? "");
  const time = useMoment(note?.time ?? start ?? nanoseconds(Date.now()), utc);
  const until = useMoment(note ? (note.end ?? "") : (end ?? ""), utc);
  const about = useAbout(note?.about);
  const wrong =
    until.value !== "" && until.value !== undefined && time.value && BigInt(until.value) < BigInt(time.value);

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!time.value || until.value === undefined || wrong) return;
    pin.mutate(
      { id: note?.id, text, time: time.value, end: until.value === "" ? null : until.value, about: about.chosen },
      { onSuccess: closeDialog },
    );
  }
  const title = note ? "Change the note" : "Pin a note";
  return (
    <Modal opened onClose={closeDialog} title={title}>
      <form onSubmit={submit} className="team-form">
        <Textarea
          data-autofocus
          size="xs"
          label="What happened"
          required
          autosize
          minRows={2}
          maxRows={10}
          maxLength={textMax}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
          }}
        />
        <div className="team-times">
          <TextInput label={utc ? "When, in UTC" : "When"} required {...time.input} />
          <TextInput
            label="Until"
            placeholder="one moment"
            {...until.input}
            error={wrong ? "This is before it began." : until.input.error}
          />
        </div>
        {about.offered.length ? (
          <Checkbox.Group
            size="xs"
            label="What it is about"
            description="Views of something else do not show it."
            value={about.chosen.map(keyOf)}
            onChange={about.choose}
          >
            {about.offered.map((one) => (
              <Checkbox key={keyOf(one)} mt={6} size="xs" value={keyOf(one)} label={`${one.field} is ${one.value}`} />
            ))}
          </Checkbox.Group>
        ) : null}
        <Refusal error={pin.error} />
        <div className="team-buttons">
          <Button type="submit" loading={pin.isPending} disabled={!text.trim()}>
            {note ? "Save" : "Pin"}
          </Button>
          <Button variant="default" onClick={closeDialog}>
            Cancel
          </Button>
        </div>
      </form>
    </Modal>
  );
}

/** A moment being written. Its value is exact as long as nobody writes; "" for none, undefined while it is no time. */
function useMoment(nanos: string, utc: boolean) {
  const shown = nanos === "" ? "" : formatTime(nanos, utc);
  const [text, setText] = useState(shown);
  const read = readMoment(text, utc);
  const value = text === shown ? nanos : text.trim() === "" ? "" : read === undefined ? undefined : nanoseconds(read);
  return {
    value,
    input: {
      value: text,
      error: value === undefined ? "Write it like 2026-11-26 09:14, or as a number since 1970." : null,
      onChange: (event: { currentTarget: HTMLInputElement }) => setText(event.currentTarget.value),
    },
  };
}

const keyOf = ({ field, value }: NoteAbout) => JSON.stringify([field, value]);

/** What the note may be about: what it was about before, and what the filters ask for. */
function useAbout(before: NoteAbout[] | undefined) {
  const { where } = useSearch();
  const here = aboutOf(where);
  const all = new Map([...(before ?? []), ...here].map((one) => [keyOf(one), one]));
  const [chosen, choose] = useState((before ?? here).map(keyOf));
  return {
    offered: [...all.values()],
    chosen: [...all].filter(([key]) => chosen.includes(key)).map(([, one]) => one),
    choose,
  };
}
