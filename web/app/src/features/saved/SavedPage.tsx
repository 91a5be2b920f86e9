// The saved questions of everyone who uses this server: found, opened, renamed, deleted.
import { TextInput } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useSaved } from "../../api/saved";
import { paths } from "../../paths";
import { Empty, Failed, Loading } from "../../ui/States";
import { SavedList } from "./SavedList";
import "./saved.css";

export function SavedPage() {
  const { find = "" } = useSearch({ from: paths.saved });
  const navigate = useNavigate({ from: paths.saved });
  // What is written is here at once; the address follows without a step of the history for each letter.
  const [text, setText] = useState(find);
  const saved = useSaved();
  const wanted = text.trim().toLowerCase();
  const found = saved.data?.filter((one) =>
    `${one.name} ${one.description} ${one.created_by}`.toLowerCase().includes(wanted),
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>Saved questions</h1>
        {saved.data?.length ? (
          <TextInput
            type="search"
            className="saved-find"
            aria-label="Find a saved question"
            placeholder="Find by name, description or person"
            value={text}
            onChange={(event) => {
              const next = event.currentTarget.value;
              setText(next);
              void navigate({ search: (before) => ({ ...before, find: next || undefined }), replace: true });
            }}
          />
        ) : null}
      </div>
      {saved.isPending ? <Loading what="the saved questions" /> : null}
      {saved.isError ? <Failed error={saved.error} onRetry={() => void saved.refetch()} /> : null}
      {saved.data?.length === 0 ? (
        <Empty title="Nothing is saved yet">
          Any view of the window can be kept for everyone who uses this server: press <kbd>s</kbd> on its page, or
          choose “Save this view” in the menu at the top right. It gets a short link.
        </Empty>
      ) : null}
      {saved.data?.length && found?.length === 0 ? (
        <Empty title="None is called so">Names, descriptions and the people who saved them were looked through.</Empty>
      ) : null}
      {found?.length ? <SavedList questions={found} /> : null}
    </div>
  );
}
