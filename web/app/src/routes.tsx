// Which page is at which address. Each page is a chunk of its own; what it reads from the address is in its search.ts.
import { createRootRoute, createRoute, createRouter, Link, lazyRouteComponent } from "@tanstack/react-router";
import { queries } from "./api/queries";
import { outlineQuery } from "./api/trace";
import { readCompareSearch } from "./features/compare/search";
import { readEntitySearch } from "./features/entity/search";
import { readExploreSearch } from "./features/explore/search";
import { readLiveSearch } from "./features/live/search";
import { readMapSearch } from "./features/map/search";
import { readSavedSearch } from "./features/saved/search";
import { readSqlSearch } from "./features/sql/search";
import { readTraceId } from "./features/trace/model/id";
import { readTraceSearch } from "./features/trace/search";
import { readSearch } from "./lib/search";
import { paths, prefix } from "./paths";
import { Empty, Failed, Loading } from "./ui/States";
import { Shell } from "./ui/shell/Shell";

const rootRoute = createRootRoute({ component: Shell, validateSearch: readSearch, notFoundComponent: NotFound });
const at = { getParentRoute: () => rootRoute };

const home = createRoute({
  ...at,
  path: paths.home,
  component: lazyRouteComponent(() => import("./features/home/HomePage"), "HomePage"),
});
const explore = createRoute({
  ...at,
  path: paths.explore,
  validateSearch: readExploreSearch,
  component: lazyRouteComponent(() => import("./features/explore/ExplorePage"), "ExplorePage"),
});
const compare = createRoute({
  ...at,
  path: paths.compare,
  validateSearch: readCompareSearch,
  component: lazyRouteComponent(() => import("./features/compare/ComparePage"), "ComparePage"),
});
const trace = createRoute({
  ...at,
  path: paths.trace,
  loader: ({ params }) => {
    const id = readTraceId(params.id);
    if (id) void queries.prefetchQuery(outlineQuery(id));
  },
  validateSearch: readTraceSearch,
  component: lazyRouteComponent(() => import("./features/trace/TracePage"), "TracePage"),
});
const entity = createRoute({
  ...at,
  path: paths.entity,
  validateSearch: readEntitySearch,
  component: lazyRouteComponent(() => import("./features/entity/EntityPage"), "EntityPage"),
});
const map = createRoute({
  ...at,
  path: paths.map,
  validateSearch: readMapSearch,
  component: lazyRouteComponent(() => import("./features/map/MapPage"), "MapPage"),
});
const sql = createRoute({
  ...at,
  path: paths.sql,
  validateSearch: readSqlSearch,
  component: lazyRouteComponent(() => import("./features/sql/SqlPage"), "SqlPage"),
});
const live = createRoute({
  ...at,
  path: paths.live,
  validateSearch: readLiveSearch,
  component: lazyRouteComponent(() => import("./features/live/LivePage"), "LivePage"),
});
const health = createRoute({
  ...at,
  path: paths.health,
  component: lazyRouteComponent(() => import("./features/health/HealthPage"), "HealthPage"),
});
const saved = createRoute({
  ...at,
  path: paths.saved,
  validateSearch: readSavedSearch,
  component: lazyRouteComponent(() => import("./features/saved/SavedPage"), "SavedPage"),
});
const short = createRoute({
  ...at,
  path: paths.short,
  component: lazyRouteComponent(() => import("./features/saved/ShortPage"), "ShortPage"),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([home, explore, compare, trace, entity, map, sql, live, health, saved, short]),
  basepath: prefix,
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultPendingComponent: () => (
    <div className="page">
      <Loading what="the page" />
    </div>
  ),
  defaultErrorComponent: ({ error, reset }) => (
    <div className="page">
      <Failed error={error} onRetry={reset} />
    </div>
  ),
});

function NotFound() {
  return (
    <div className="page">
      <h1 className="visually-hidden">No such page</h1>
      <Empty title="There is no page here">
        The address may have a slip. <Link to={paths.home}>See what is happening now</Link>.
      </Empty>
    </div>
  );
}

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
