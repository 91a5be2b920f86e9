// The dialogues to save a view and to pin a note, loaded when the first one opens.
import { lazy, Suspense } from "react";
import { useShortcut } from "../shortcuts";
import { openNote, openSave, useDialog } from "./dialogs";

const SaveDialog = lazy(() => import("./SaveDialog").then((loaded) => ({ default: loaded.SaveDialog })));
const NoteDialog = lazy(() => import("./NoteDialog").then((loaded) => ({ default: loaded.NoteDialog })));

export function TeamDialogs() {
  const dialog = useDialog();
  useShortcut("save", () => openSave());
  useShortcut("note", () => openNote());
  return (
    <Suspense fallback={null}>
      {dialog?.kind === "save" ? <SaveDialog question={dialog.question} /> : null}
      {dialog?.kind === "note" ? <NoteDialog {...dialog} /> : null}
    </Suspense>
  );
}
