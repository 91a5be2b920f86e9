// Asks for a key when the server wants one, or when someone wants to change theirs. It is kept in this browser once the
// server has taken it.
import { Button, Modal, PasswordInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { keyRefused, keyWanted, Problem, storedKey, storeKey, tryKey } from "../../api/client";
import { sentence } from "../../lib/sentence";
import "../team/team.css";

/** What opened the dialogue: somebody, a server that asks for a key, or one that does not take the key kept here. */
type Cause = "wanted" | "asked" | "refused";

const introductions: Record<Cause, string> = {
  wanted: "Where the server asks for keys, the window asks with this one.",
  asked: "This server answers only who has a key.",
  refused: "The server does not take the key that is kept here any more: it may have been revoked.",
};

function whyNot(error: Error | null): string | null {
  if (!error) return null;
  return sentence(error instanceof Problem ? error.detail : error.message);
}

/** The page begins anew where it is: nothing stays on it that was read with another key. */
function use(key: string | null) {
  storeKey(key);
  window.location.reload();
}

export function KeyDialog() {
  const [cause, setCause] = useState<Cause>();
  // Who closed it looks at what is there, and is not asked again by every question that the page repeats.
  const [declined, setDeclined] = useState(false);
  const [key, setKey] = useState("");
  const trial = useMutation({ mutationFn: tryKey, onSuccess: (_, taken) => use(taken) });
  useEffect(() => {
    const want = () => setCause("wanted");
    const refuse = () => {
      if (!declined) setCause((before) => before ?? (storedKey() ? "refused" : "asked"));
    };
    window.addEventListener(keyWanted, want);
    window.addEventListener(keyRefused, refuse);
    return () => {
      window.removeEventListener(keyWanted, want);
      window.removeEventListener(keyRefused, refuse);
    };
  }, [declined]);
  function decline() {
    setDeclined(true);
    setCause(undefined);
    setKey("");
    trial.reset();
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    if (key.trim()) trial.mutate(key.trim());
  }
  return (
    <Modal opened={cause !== undefined} onClose={decline} title="Access key">
      <form onSubmit={submit} className="team-form">
        <p>{introductions[cause ?? "wanted"]}</p>
        <PasswordInput
          data-autofocus
          label="Key"
          description="Paste a key that may ask: one for read or admin. Whoever looks after the server makes one with “crawlspace key create”. It stays in this browser."
          autoComplete="off"
          value={key}
          error={whyNot(trial.error)}
          errorProps={{ role: "alert" }}
          onChange={(event) => {
            setKey(event.currentTarget.value);
            trial.reset();
          }}
        />
        <div className="team-buttons">
          <Button type="submit" disabled={!key.trim()} loading={trial.isPending}>
            Use this key
          </Button>
          {storedKey() ? (
            <Button variant="subtle" color="gray" onClick={() => use(null)}>
              Forget the key
            </Button>
          ) : null}
        </div>
      </form>
    </Modal>
  );
}
