// Saved questions as a list: each is opened, its link copied, its name changed, or it is deleted.
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useDeleteSaved } from "../../api/saved";
import type { SavedQuestion } from "../../api/types";
import { paths, shortLink } from "../../paths";
import { Confirm } from "../../ui/team/Confirm";
import { CopyLink } from "../../ui/team/CopyLink";
import { openSave } from "../../ui/team/dialogs";
import { Refusal } from "../../ui/team/Refusal";
import { stampText } from "../../ui/team/stamp";

export function SavedList({ questions }: { questions: SavedQuestion[] }) {
  return (
    <ul className="panel saved" aria-label="Saved questions">
      {questions.map((question) => (
        <SavedItem key={question.id} question={question} />
      ))}
    </ul>
  );
}

/** The page's name in the window, by its address. */
function pageName(address: string): string {
  const [page = ""] = address.split(/[?/]/);
  return { "": "Now", entity: "Who", sql: "SQL" }[page] ?? page.charAt(0).toUpperCase() + page.slice(1);
}

function SavedItem({ question }: { question: SavedQuestion }) {
  const { id, name, description, address } = question;
  return (
    <li>
      <div className="saved-name">
        <Link to={paths.short} params={{ id: String(id) }}>
          {name}
        </Link>
        {description ? <p className="quiet">{description}</p> : null}
      </div>
      <span className="saved-page">{pageName(address)}</span>
      <span className="quiet small">{stampText(question)}</span>
      <SavedActions question={question} />
    </li>
  );
}

function SavedActions({ question }: { question: SavedQuestion }) {
  const { id, name } = question;
  const remove = useDeleteSaved();
  return (
    <div className="saved-actions">
      <CopyLink link={shortLink(id)} label={`Copy the link to ${name}`} />
      {question.may_change ? (
        <>
          <Button variant="subtle" size="compact-xs" aria-label={`Rename ${name}`} onClick={() => openSave(question)}>
            Rename
          </Button>
          <Confirm
            action="Delete"
            label={`Delete ${name}`}
            question="Delete it for everyone? Its link leads nowhere then."
            busy={remove.isPending}
            onConfirm={() => remove.mutate(id)}
          />
        </>
      ) : (
        <span className="quiet small">Only the key that saved it, or one for admin, may change it.</span>
      )}
      <Refusal error={remove.error} />
    </div>
  );
}
