// Asks for a key when the server wants one, or when someone wants to change theirs. It is kept in this browser.
import { Button, Modal, PasswordInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { keyWanted, storedKey, storeKey } from "../../api/client";

export function KeyDialog() {
  const queries = useQueryClient();
  const [opened, setOpened] = useState(false);
  const [key, setKey] = useState("");
  useEffect(() => {
    const open = () => setOpened(true);
    window.addEventListener(keyWanted, open);
    return () => window.removeEventListener(keyWanted, open);
  }, []);
  function use(next: string | null) {
    storeKey(next);
    setKey("");
    setOpened(false);
    void queries.resetQueries();
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    if (key.trim()) use(key.trim());
  }
  return (
    <Modal opened={opened} onClose={() => setOpened(false)} title="Access key">
      <form onSubmit={submit}>
        <PasswordInput
          data-autofocus
          label="Key"
          description="Paste a key that may ask. Whoever looks after the server makes one with “crawlspace keys”. It stays in this browser."
          autoComplete="off"
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        <Button type="submit" mt={12} disabled={!key.trim()}>
          Use this key
        </Button>
        {storedKey() ? (
          <Button variant="subtle" color="gray" mt={12} ml={8} onClick={() => use(null)}>
            Forget the key
          </Button>
        ) : null}
      </form>
    </Modal>
  );
}
