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
  saved: "/saved",
  short: "/s/$id",
} as const;

/** The page that the browser shows, or one at `href`, as it is kept: below the prefix, so that it leads back under any. */
export function keptAddress(href: string = window.location.href): string {
  const { pathname, search } = new URL(href, window.location.href);
  return pathname.slice(prefix.length) + search;
}

/** The whole address of a page that is kept, for the router and for other people. */
export function keptHref(address: string): string {
  return prefix + address;
}

/** The link that opens a saved question, for other people. */
export function shortLink(id: number): string {
  return new URL(`${prefix}s/${id}`, window.location.href).href;
}

/** The address of a route of the server, such as `api/v1/query`. */
export function serverPath(path: string): string {
  return prefix + path.replace(/^\/+/, "");
}
