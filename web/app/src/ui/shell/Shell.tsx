// The frame around every page: name, pages, filter chips and time.
import { Link, Outlet, useLocation } from "@tanstack/react-router";
import { useEffect } from "react";
import { paths } from "../../paths";
import { listenForShortcuts } from "../shortcuts";
import { TeamDialogs } from "../team/TeamDialogs";
import { useChosenInView } from "../useChosenInView";
import { carried, useSearch } from "../useSearch";
import { FilterBar } from "./FilterBar";
import { Help } from "./Help";
import { KeyDialog } from "./KeyDialog";
import { Palette } from "./Palette";
import { SettingsMenu } from "./SettingsMenu";
import { TimePicker } from "./TimePicker";
import "./shell.css";

const pages = [
  { to: paths.home, name: "Now" },
  { to: paths.explore, name: "Explore" },
  { to: paths.compare, name: "Compare" },
  { to: paths.map, name: "Map" },
  { to: paths.entity, name: "Who" },
  { to: paths.live, name: "Live" },
  { to: paths.sql, name: "SQL" },
  { to: paths.saved, name: "Saved" },
  { to: paths.health, name: "Health" },
] as const;

// Pages that the filters, or the time, say nothing to do not show them.
const withoutFilters: string[] = [paths.sql, paths.health, paths.saved];
const withoutTime: string[] = [...withoutFilters, paths.live];

export function Shell() {
  const { pathname } = useLocation();
  const search = carried(useSearch());
  const row = useChosenInView<HTMLElement>(pathname);
  useEffect(listenForShortcuts, []);
  return (
    <>
      <button type="button" className="skip" onClick={() => document.getElementById("content")?.focus()}>
        Skip to the page
      </button>
      <header className="shell">
        <div className="shell-row">
          <Link to={paths.home} search={search} className="shell-name">
            Crawlspace
          </Link>
          <nav ref={row} className="shell-pages" aria-label="Pages">
            {pages.map((page) => (
              <Link key={page.to} to={page.to} search={search} activeOptions={{ exact: true, includeSearch: false }}>
                {page.name}
              </Link>
            ))}
          </nav>
          <div className="shell-tools">
            {withoutTime.includes(pathname) ? null : <TimePicker />}
            <SettingsMenu />
          </div>
        </div>
        {withoutFilters.includes(pathname) ? null : <FilterBar />}
      </header>
      <main id="content" tabIndex={-1}>
        <Outlet />
      </main>
      <Palette />
      <Help />
      <KeyDialog />
      <TeamDialogs />
    </>
  );
}
