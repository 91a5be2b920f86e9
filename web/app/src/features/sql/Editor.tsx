// The SQL editor (CodeMirror, loaded with this page only): completion from the stored fields, the refused place underlined.
import { autocompletion } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { Problem } from "../../api/client";

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--chosen)" },
  { tag: tags.comment, color: "var(--text-quiet)" },
]);

/** Where in the text the refusal is about: its line and column, or the name that it quotes. */
export function refusedPlace(text: string, problem: Problem): { from: number; to: number } | undefined {
  if (problem.line) {
    const lines = text.split("\n");
    const start = lines.slice(0, problem.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
    const from = Math.min(start + (problem.column ?? 1) - 1, Math.max(0, text.length - 1));
    const word = /^[\w."]+/.exec(text.slice(from))?.[0].length ?? 1;
    return { from, to: Math.min(from + word, text.length) };
  }
  const name = /`([^`]+)`/.exec(problem.detail)?.[1];
  const escaped = name?.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const found = escaped ? new RegExp(`(?<![\\w.])${escaped}(?![\\w])`).exec(text) : null;
  return found ? { from: found.index, to: found.index + found[0].length } : undefined;
}

type Properties = {
  text: string;
  tables: Record<string, string[]>;
  problem: Problem | null;
  onChange: (text: string) => void;
  onRun: () => void;
};

export default function Editor({ text, tables, problem, onChange, onRun }: Properties) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const language = useRef(new Compartment());
  const latest = useRef({ onChange, onRun });
  latest.current = { onChange, onRun };
  const first = useRef(text);

  useEffect(() => {
    if (!place.current) return;
    const run = () => {
      latest.current.onRun();
      return true;
    };
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          keymap.of([{ key: "Mod-Enter", run }, { key: "Shift-Enter", run }, ...historyKeymap, ...defaultKeymap]),
          history(),
          bracketMatching(),
          autocompletion(),
          syntaxHighlighting(colours),
          language.current.of(sql({ dialect: PostgreSQL, upperCaseKeywords: true })),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "Statement" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const all = [...new Set(Object.values(tables).flat())];
    // Without a table named before it, a field is completed all the same.
    const schema = { ...tables };
    view.current?.dispatch({
      effects: language.current.reconfigure([
        sql({ dialect: PostgreSQL, upperCaseKeywords: true, schema }),
        PostgreSQL.language.data.of({
          autocomplete: (context: import("@codemirror/autocomplete").CompletionContext) => {
            const word = context.matchBefore(/[\w.]+/);
            if (!word && !context.explicit) return null;
            return {
              from: word?.from ?? context.pos,
              options: all.map((label) => ({ label, type: "property" })),
              validFor: /^[\w.]*$/,
            };
          },
        }),
      ]),
    });
  }, [tables]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const current = editor.state.doc.toString();
    if (current !== text) editor.dispatch({ changes: { from: 0, to: current.length, insert: text } });
    const where = problem ? refusedPlace(text, problem) : undefined;
    const marks: Diagnostic[] = problem && where ? [{ ...where, severity: "error", message: problem.detail }] : [];
    editor.dispatch(setDiagnostics(editor.state, marks));
  }, [problem, text]);

  return <div ref={place} className="sql-editor" />;
}
