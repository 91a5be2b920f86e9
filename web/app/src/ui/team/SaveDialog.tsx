// Saves the view under a name, and gives its short link; or changes the name of one that is saved.
import { Button, Checkbox, Modal, Textarea, TextInput } from "@mantine/core";
import { useRouter } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useSave, useSaved } from "../../api/saved";
import type { SavedQuestion } from "../../api/types";
import { absolute } from "../../lib/time";
import { keptAddress, shortLink } from "../../paths";
import { useSearch } from "../useSearch";
import { CopyLink } from "./CopyLink";
import { closeDialog } from "./dialogs";
import { Refusal } from "./Refusal";
import "./team.css";

/** As the server has them. */
const nameMax = 100;
const descriptionMax = 1000;

export function SaveDialog({ question }: { question?: SavedQuestion | undefined }) {
  const [done, setDone] = useState<SavedQuestion>();
  const title = done ? "Saved" : question ? "Change the name" : "Save this view";
  return (
    <Modal opened onClose={closeDialog} title={title}>
      {done ? <Done question={done} /> : <SaveForm question={question} onDone={question ? closeDialog : setDone} />}
    </Modal>
  );
}

type Properties = { question: SavedQuestion | undefined; onDone: (question: SavedQuestion) => void };

function SaveForm({ question, onDone }: Properties) {
  const router = useRouter();
  const search = useSearch();
  const save = useSave();
  const saved = useSaved(!question);
  const [name, setName] = useState(question?.name ?? "");
  const [description, setDescription] = useState(question?.description ?? "");
  const [fixed, setFixed] = useState(false);
  // What has this name already is replaced, so that its link shows the new view to those who have it.
  const same = question
    ? undefined
    : saved.data?.find((one) => one.may_change && one.name.toLowerCase() === name.trim().toLowerCase());

  function address(): string {
    if (question) return question.address;
    if (!fixed) return keptAddress();
    const { href } = router.buildLocation({ to: ".", search: (before) => ({ ...before, ...absolute(search) }) });
    return keptAddress(router.history.createHref(href));
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    save.mutate(
      { id: (question ?? same)?.id, name, description: description || (same?.description ?? ""), address: address() },
      { onSuccess: onDone },
    );
  }
  return (
    <form onSubmit={submit} className="team-form">
      <TextInput
        data-autofocus
        label="Name"
        required
        maxLength={nameMax}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        description={same ? "There is one of this name. It will show this view; its link stays." : null}
      />
      <Textarea
        size="xs"
        label="What it is good for"
        autosize
        minRows={2}
        maxRows={8}
        maxLength={descriptionMax}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
      {question || search.from ? null : (
        <Checkbox
          size="xs"
          label="With fixed times: always what is here now"
          checked={fixed}
          onChange={(event) => setFixed(event.currentTarget.checked)}
        />
      )}
      <Refusal error={save.error} />
      <div className="team-buttons">
        <Button type="submit" loading={save.isPending} disabled={!name.trim()}>
          {same ? "Replace" : "Save"}
        </Button>
        <Button variant="default" onClick={closeDialog}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

function Done({ question }: { question: SavedQuestion }) {
  const link = shortLink(question.id);
  return (
    <div className="team-form">
      <p className="quiet">
        Everyone who may ask this server finds “{question.name}” among the saved questions, and by this link:
      </p>
      <p className="mono team-link">{link}</p>
      <div className="team-buttons">
        <CopyLink link={link} focused />
        <Button variant="default" onClick={closeDialog}>
          Done
        </Button>
      </div>
    </div>
  );
}
