//! The dependencies in a `Cargo.toml`, read by line: as much TOML as our manifests use.

#[derive(Debug, PartialEq, Eq)]
pub struct Dependency<'a> {
    pub line: usize,
    pub name: &'a str,
    pub only_tests: bool,
    pub from_workspace: bool,
}

/// All dependencies: plain, for tests, for build scripts, for some targets; as `name = …` or as a section.
pub fn dependencies(text: &str) -> Vec<Dependency<'_>> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut section = "";
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
        }
        let Some((is_whole, only_tests, name)) = dependency_section(section) else {
            continue;
        };
        if line.starts_with('[') {
            if !is_whole {
                found.push(Dependency {
                    line: index + 1,
                    name,
                    only_tests,
                    from_workspace: false,
                });
            }
            continue;
        }
        let from_workspace = line.replace(' ', "").contains("workspace=true");
        if !is_whole {
            // A key of the dependency that the section is about.
            if let Some(last) = found.last_mut() {
                last.from_workspace |= from_workspace;
            }
        } else if line.contains('=') {
            let name = line
                .split(['.', '=', ' '])
                .next()
                .unwrap_or_default()
                .trim_matches('"');
            found.push(Dependency {
                line: index + 1,
                name,
                only_tests,
                from_workspace,
            });
        }
    }
    found
}

/// Whether the section holds many dependencies or is about one, whether they are for tests, and the name of the one.
fn dependency_section(section: &str) -> Option<(bool, bool, &str)> {
    let (before, name) = match section.rsplit_once("dependencies") {
        Some((before, "")) => (before, ""),
        Some((before, one)) => (before, one.strip_prefix('.')?),
        None => return None,
    };
    let is_ours = before.is_empty() || before.ends_with(['.', '-']);
    let of_member = !before.starts_with("workspace");
    (is_ours && of_member).then_some((name.is_empty(), before.ends_with("dev-"), name))
}
