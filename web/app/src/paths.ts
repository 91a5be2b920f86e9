// Every address of the window: the pages, and the prefix under which all of it is served.

// Built chunks lie in PREFIX/assets/, sources in /src/: one step up from either is the prefix. The page's own address
// would not do, since it is as deep as its route.
const here: string = import.meta.url;
const root = new URL("..", here).pathname;

/** The path under which the window and the API are served, with a slash at the end. */
export const prefix = root.endsWith("/") ? root : `${root}/`;

/** The pages. Links are made with these, as `<Link to={paths.explore} search={...}>`. */
export const paths = {
  home: "/",
  explore: "/explore",
  compare: "/compare",
  trace: "/trace/$id",
  entity: "/entity",
  map: "/map",
  sql: "/sql",
  live: "/live",
  health: "/health",
} as const;

/** The address of a route of the server, such as `api/v1/query`. */
export function serverPath(path: string): string {
  return prefix + path.replace(/^\/+/, "");
}
