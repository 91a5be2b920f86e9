use std::path::Path;
use std::process::Command;

use super::{questions, shell_line, shell_word};

#[test]
fn words_are_quoted_only_where_needed() {
    for (word, expected) in [
        ("trace", "trace"),
        ("-p99(duration_ns)", "'-p99(duration_ns)'"),
        ("kind = 'server'", "\"kind = 'server'\""),
        ("it's $HOME", r"'it'\''s $HOME'"),
        ("", "''"),
    ] {
        assert_eq!(shell_word(word), expected);
    }
}

#[test]
fn a_shell_reads_every_printed_command_as_it_is_run() {
    for question in questions("0af7651916cd43dd8448eb211c80319c") {
        let mut arguments = vec![r"%s\n".to_owned()];
        arguments.extend(question.arguments);
        arguments.push("a 'b' \"c\" $d `e` \\".to_owned());
        let line = shell_line(Path::new("printf"), &arguments);
        let output = Command::new("sh")
            .args(["-c", &line])
            .output()
            .expect("a shell");
        let printed = String::from_utf8(output.stdout).expect("text");
        assert_eq!(printed.lines().collect::<Vec<_>>(), arguments[1..]);
    }
}
