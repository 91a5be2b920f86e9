// Saved questions as a table: a row opens one, copies its link, changes its name or deletes it.
import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useDeleteSaved } from "../../api/saved";
import type { SavedQuestion } from "../../api/types";
import { formatAge } from "../../lib/format";
import { paths, shortLink } from "../../paths";
import { Confirm } from "../../ui/Confirm";
import { CopyLink } from "../../ui/CopyLink";
import { Scroll } from "../../ui/Scroll";
import { openSave } from "../../ui/team/dialogs";
import { Refusal } from "../../ui/team/Refusal";

export function SavedTable({ questions }: { questions: SavedQuestion[] }) {
  return (
    <Scroll label="Saved questions" className="panel">
      <table className="plain-table saved">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Page</th>
            <th scope="col">Saved</th>
            <th scope="col">
              <span className="visually-hidden">What to do with it</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {questions.map((question) => (
            <SavedRow key={question.id} question={question} />
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** The page's name in the window, by its address. */
function pageName(address: string): string {
  const [page = ""] = address.split(/[?/]/);
  return { "": "Now", entity: "Who", sql: "SQL" }[page] ?? page.charAt(0).toUpperCase() + page.slice(1);
}

function SavedRow({ question }: { question: SavedQuestion }) {
  const { id, name, description, address, created_by, created_at, changed_by, changed_at, may_change } = question;
  const remove = useDeleteSaved();
  return (
    <tr>
      <th scope="row" className="saved-name">
        <Link to={paths.short} params={{ id: String(id) }}>
          {name}
        </Link>
        {description ? <p className="quiet">{description}</p> : null}
      </th>
      <td>{pageName(address)}</td>
      <td className="quiet small">
        by {created_by}, {formatAge(created_at)}
        {changed_at ? (
          <>
            <br />
            changed by {changed_by}, {formatAge(changed_at)}
          </>
        ) : null}
      </td>
      <td>
        <div className="saved-actions">
          <CopyLink link={shortLink(id)} label={`Copy the link to ${name}`} />
          {may_change ? (
            <>
              <Button variant="subtle" aria-label={`Rename ${name}`} onClick={() => openSave(question)}>
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
        </div>
        <Refusal error={remove.error} />
      </td>
    </tr>
  );
}
