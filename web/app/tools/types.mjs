// Writes src/api/types.ts from docs/reference/openapi.json, which the server's own test keeps true. With --check it fails
// where the two differ.
import { readFileSync, writeFileSync } from "node:fs";

const spec = JSON.parse(readFileSync(new URL("../../../docs/reference/openapi.json", import.meta.url), "utf8"));
// A name that would hide one of the language's or the page's own is prefixed.
const taken = new Set(["Map", "Range", "Node", "Problem"]);
const nameOf = (name) => (taken.has(name) ? `Api${name}` : name);

function typeOf(schema, depth) {
  if (schema.$ref) return nameOf(schema.$ref.split("/").pop());
  const choice = schema.oneOf ?? schema.anyOf;
  if (choice) return choice.map((one) => typeOf(one, depth)).join(" | ");
  if (schema.allOf) return schema.allOf.map((one) => typeOf(one, depth)).join(" & ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type }, depth)).join(" | ");
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array": {
      if (schema.prefixItems) return `[${schema.prefixItems.map((one) => typeOf(one, depth)).join(", ")}]`;
      const inner = typeOf(schema.items ?? {}, depth);
      return /[|&]/.test(inner) ? `(${inner})[]` : `${inner}[]`;
    }
    case "object":
      return objectOf(schema, depth);
    default:
      return schema.properties ? objectOf(schema, depth) : "unknown";
  }
}

function objectOf(schema, depth) {
  const open = schema.additionalProperties;
  const fields = Object.entries(schema.properties ?? {});
  if (!fields.length) return `Record<string, ${open && open !== true ? typeOf(open, depth) : "unknown"}>`;
  const pad = "  ".repeat(depth + 1);
  const lines = fields.map(([name, field]) => {
    const optional = schema.required?.includes(name) ? "" : "?";
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
    const said = field.description?.replace(/\s+/g, " ").replace(/\*\//g, "");
    return `${said ? `${pad}/** ${said} */\n` : ""}${pad}${key}${optional}: ${typeOf(field, depth + 1)};`;
  });
  return `{\n${lines.join("\n")}\n${"  ".repeat(depth)}}`;
}

const parts = Object.entries(spec.components.schemas).map(
  ([name, schema]) => `export type ${nameOf(name)} = ${typeOf(schema, 0)};`,
);
const head =
  "// The types of the API's answers. Generated from docs/reference/openapi.json by `npm run types`; not to be edited.\n";
const file = new URL("../src/api/types.ts", import.meta.url);
const types = `${head}\n${parts.join("\n\n")}\n`;
if (!process.argv.includes("--check")) writeFileSync(file, types);
else if (readFileSync(file, "utf8") !== types) {
  console.error("src/api/types.ts is not what docs/reference/openapi.json says: npm run types");
  process.exitCode = 1;
}
