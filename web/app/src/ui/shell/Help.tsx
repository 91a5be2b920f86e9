// The list of shortcuts, from the one registry.
import { Kbd, Modal } from "@mantine/core";
import { useState } from "react";
import { keyNames, shortcuts, useShortcut } from "../shortcuts";
import "./help.css";

export function Help() {
  const [opened, setOpened] = useState(false);
  useShortcut("help", () => setOpened(true));
  const groups = [...new Set(shortcuts.map((one) => one.where))];
  return (
    <Modal opened={opened} onClose={() => setOpened(false)} title="Shortcuts" size="md">
      {groups.map((group) => (
        <section key={group} className="help-group">
          <h3>{group}</h3>
          <dl>
            {shortcuts
              .filter((one) => one.where === group)
              .map((one) => (
                <div key={one.id}>
                  <dt>{one.does}</dt>
                  <dd>
                    {keyNames(one.keys).map((key) => (
                      <Kbd key={key} size="xs">
                        {key}
                      </Kbd>
                    ))}
                  </dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </Modal>
  );
}
