// Questions in words and for the shell.
import { expect, it } from "vitest";
import { bodyText, curlOf, describe } from "./wording";

it("says a question in a line", () => {
  const search = { table: "logs", group: ["service.name"], where: [{ field: "a", operator: "=" as const, value: 1 }] };
  expect(describe(search)).toBe("count of logs by service.name where a = 1");
});

it("leaves out what a body does not say, and quotes for the shell", () => {
  const body = { from: "spans", where: "name = 'a'", group_by: [], limit: null };
  expect(bodyText(body)).toBe('{"from":"spans","where":"name = \'a\'"}');
  expect(curlOf(body)).toContain(`-d '{"from":"spans","where":"name = '"'"'a'"'"'"}'`);
});
