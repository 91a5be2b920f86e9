// The rarer parts of a question: order, limit, step, conditions on groups, and one in SQL on events.
import { NumberInput, Select, TextInput } from "@mantine/core";
import { type ComponentProps, useState } from "react";
import { ConditionInput } from "../../../ui/completion/ConditionInput";
import { useAddress, useChange } from "../answers";
import { readQuestion } from "../question/question";

export function MoreClauses() {
  const search = useAddress();
  const change = useChange();
  const { calculate, group, table } = readQuestion(search);
  const orders = [...calculate, ...group].flatMap((one) => [
    { value: `-${one}`, label: `${one}, largest first` },
    { value: one, label: `${one}, smallest first` },
  ]);
  return (
    <div className="builder-row">
      <Condition
        key={search.condition ?? ""}
        table={table}
        value={search.condition}
        onWritten={(condition) => change({ condition })}
      />
      <Written
        label="Having"
        placeholder="count > 10"
        value={search.having}
        onWritten={(having) => change({ having })}
        className="builder-wide"
      />
      <Select
        label="Order"
        w={230}
        placeholder="first calculation"
        clearable
        data={orders}
        value={search.order?.[0] ?? null}
        onChange={(order) => change({ order: order ? [order] : undefined })}
        comboboxProps={{ width: "max-content", position: "bottom-start" }}
      />
      <NumberInput
        key={`limit ${search.limit}`}
        label="Limit"
        placeholder="as needed"
        min={1}
        max={10_000}
        w={100}
        defaultValue={search.limit}
        hideControls
        onBlur={(event) => limited(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && limited(event.currentTarget.value)}
      />
      <Written
        label="Step"
        placeholder="auto, or 5m"
        value={search.step}
        onWritten={(step) => change({ step })}
        w={100}
      />
    </div>
  );

  function limited(text: string) {
    const limit = Number(text) > 0 ? Math.min(10_000, Math.floor(Number(text))) : undefined;
    if (limit !== search.limit) change({ limit });
  }
}

type ConditionProperties = {
  table: string;
  value: string | undefined;
  onWritten: (text: string | undefined) => void;
};

/** As `Written`, with names and values completed. */
function Condition({ table, value, onWritten }: ConditionProperties) {
  const [text, setText] = useState(value ?? "");
  const done = () => {
    const next = text.trim() || undefined;
    if (next !== value) onWritten(next);
  };
  return (
    <form
      className="builder-wide"
      onSubmit={(event) => {
        event.preventDefault();
        done();
      }}
    >
      <ConditionInput
        label="Where (SQL)"
        placeholder="beside the filters: db.rows > 10 OR …"
        table={table}
        value={text}
        onChange={setText}
        onBlur={done}
      />
    </form>
  );
}

type Properties = Omit<ComponentProps<typeof TextInput>, "value"> & {
  value: string | undefined;
  onWritten: (text: string | undefined) => void;
};

/** A text that is asked with Enter or when it is left. */
function Written({ value, onWritten, ...rest }: Properties) {
  const done = (text: string) => {
    const next = text.trim() || undefined;
    if (next !== value) onWritten(next);
  };
  return (
    <TextInput
      {...rest}
      key={value ?? ""}
      defaultValue={value ?? ""}
      spellCheck={false}
      onBlur={(event) => done(event.currentTarget.value)}
      onKeyDown={(event) => event.key === "Enter" && done(event.currentTarget.value)}
    />
  );
}
