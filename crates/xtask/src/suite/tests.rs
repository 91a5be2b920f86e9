//! Counting over several test programs, and the output and end of what runs them.

use std::process::Command;

use super::{Totals, run_tests};

const OUTPUT: &str = "\
running 2 tests
test result: FAILED. 11 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s
the test result: ok. 100 passed; 0 failed
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";

fn check(script: &str, passed: u64, failed: u64, succeeds: bool) {
    let mut totals = Totals::default();
    let result = run_tests(Command::new("sh").arg("-c").arg(script), &mut totals);
    assert_eq!(totals, Totals { passed, failed });
    assert_eq!(result.is_ok(), succeeds, "{script}");
}

#[test]
fn all_test_programs_are_summed_whatever_the_end() {
    let print = format!("printf '%s' '{OUTPUT}'");
    check(&print, 14, 2, true);
    check(&format!("{print}; exit 101"), 14, 2, false);
    check("exit 101", 0, 0, false);
}
