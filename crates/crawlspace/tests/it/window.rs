//! The window in a real browser, against the real program: each journey is a script in `web/e2e`.

use std::path::Path;
use std::process::Command;

use crate::duck::installed;
use crate::server::{Server, new_data_directory};

fn walk(script: &str) {
    walk_with(script, &[]);
}

/// The journey against a server with these flags; it has the first key, where the server makes one.
fn walk_with(script: &str, flags: &[&str]) {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, flags);
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../web/e2e")
        .join(script);
    let output = Command::new("node")
        .arg(script)
        .arg(server.http())
        .env(
            "CRAWLSPACE_TEST_WEB_MODULES",
            installed("CRAWLSPACE_TEST_WEB_MODULES"),
        )
        .env(
            "CRAWLSPACE_TEST_CHROMIUM",
            installed("CRAWLSPACE_TEST_CHROMIUM"),
        )
        .env("CRAWLSPACE_TEST_PROGRAM", env!("CARGO_BIN_EXE_crawlspace"))
        .env(
            "CRAWLSPACE_TEST_KEY",
            server.ready("first_key").unwrap_or_default(),
        )
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}

#[test]
fn every_page_is_sound_empty_and_full_in_light_and_dark_wide_and_narrow() {
    walk("pages.mjs");
}

#[test]
fn every_control_is_reached_and_worked_by_keyboard_alone() {
    walk("keyboard.mjs");
}

#[test]
fn hostile_text_is_shown_and_nothing_more() {
    walk("hostile.mjs");
}

#[test]
fn the_first_event_is_seen_and_leads_to_its_trace() {
    walk("first.mjs");
}

#[test]
fn what_is_odd_leads_by_a_box_and_its_differences_to_the_culprit() {
    walk("culprit.mjs");
}

#[test]
fn links_and_pasted_ids_lead_anybody_to_the_same_view() {
    walk("links.mjs");
}

#[test]
fn what_a_team_keeps_is_found_by_its_link_and_stands_on_the_charts() {
    walk("saved.mjs");
}

#[test]
fn every_control_of_a_trace_is_worked_by_keyboard() {
    walk("trace.mjs");
}

#[test]
fn a_server_with_keys_asks_for_one_and_says_what_is_wrong_with_it() {
    walk_with("auth.mjs", &["--auth"]);
}
