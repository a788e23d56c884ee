//! The project's documents, as tests read them: pages, tables, and the commands that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// What begins a command that stands in the middle of a sentence. A bare name is none, a bare path is.
const PROGRAMS: [&str; 16] = [
    "just",
    "vcare-admin",
    "target/debug/vcare-admin",
    "target/debug/vcare-sandbox",
    "deploy/local/",
    ".ci/run",
    "cargo",
    "aws",
    "curl",
    "docker",
    "openssl",
    "pip",
    "pipx",
    "printf",
    "prosodyctl",
    "promtool",
];

/// A Markdown file of the repository.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it is, from the repository's root.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// A command in a page.
#[derive(Debug, Clone)]
pub struct DocumentedCommand {
    /// Where it stands: page and line.
    pub place: String,
    /// The line as it stands there, without prompt.
    pub line: String,
    /// It is to be typed as it is, and no name of a command in the middle of a sentence.
    pub whole: bool,
}

/// A row of a table.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where it stands: page and line.
    pub place: String,
    /// The heads of its table's columns.
    pub heads: Vec<String>,
    /// What stands in it, one a column.
    pub cells: Vec<String>,
}

/// Every page but the decisions, which say what was true on their day.
///
/// # Errors
/// What cannot be read.
pub fn pages() -> io::Result<Vec<Page>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&root)? {
        files.extend(Some(entry?.path()).filter(|path| is_of(path, "md")));
    }
    for folder in ["docs", "deploy", "contracts"] {
        collect(&root.join(folder), "md", &mut files)?;
    }
    files.retain(|file| !file.parent().is_some_and(|folder| folder.ends_with("docs/decisions")));
    files.sort();
    let pages = files.into_iter().map(|file| {
        let path = file.strip_prefix(&root).map_err(io::Error::other)?.display().to_string();
        Ok(Page { path, text: std::fs::read_to_string(&file)? })
    });
    pages.collect()
}

/// The page at that path.
///
/// # Errors
/// When it cannot be read.
pub fn page(path: &str) -> io::Result<Page> {
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("there is no page {path}"));
    pages()?.into_iter().find(|page| page.path == path).ok_or_else(missing)
}

fn is_of(path: &Path, kind: &str) -> bool {
    path.extension().is_some_and(|found| found == kind)
}

fn collect(folder: &Path, kind: &str, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, kind, files)?;
        } else {
            files.extend(Some(path).filter(|path| is_of(path, kind)));
        }
    }
    Ok(())
}

impl Page {
    /// The blocks of that language, each with the number of its first line.
    #[must_use]
    pub fn blocks(&self, language: &str) -> Vec<(usize, String)> {
        let mut blocks: Vec<(usize, String)> = Vec::new();
        let (mut inside, mut wanted) = (false, false);
        for (number, line) in (1..).zip(self.text.lines()) {
            if let Some(rest) = line.trim_start().strip_prefix("```") {
                inside = !inside;
                wanted = inside && rest == language;
                if wanted {
                    blocks.push((number + 1, String::new()));
                }
            } else if let Some((_, block)) = blocks.last_mut().filter(|_| wanted) {
                block.push_str(line);
                block.push('\n');
            }
        }
        blocks
    }

    /// Everything that it tells somebody to type: the lines of blocks marked `sh`, lines behind a `$` in other blocks,
    /// indented lines, and what begins like a command in the middle of a sentence.
    #[must_use]
    pub fn commands(&self) -> Vec<DocumentedCommand> {
        let mut found = Vec::new();
        let mut fence: Option<&str> = None;
        let mut pending: Option<(usize, String)> = None;
        for (number, line) in (1..).zip(self.text.lines()) {
            let mut add = |number, line: String, whole| {
                found.push(DocumentedCommand { place: format!("{}:{number}", self.path), line, whole });
            };
            if let Some(language) = line.trim_start().strip_prefix("```") {
                fence = if fence.is_some() { None } else { Some(language) };
                continue;
            }
            let typed = match fence {
                Some("sh") => Some(line),
                Some(_) => line.strip_prefix("$ "),
                None => line.strip_prefix("    ").filter(|rest| begins_like_a_command(rest)),
            };
            if let Some(typed) = typed {
                let (first, before) = pending.take().unwrap_or((number, String::new()));
                match typed.strip_suffix('\\') {
                    Some(part) => pending = Some((first, before + part)),
                    None if typed.trim().is_empty() => {}
                    None => add(first, before + typed, true),
                }
            } else if fence.is_none() {
                let quoted = line.split('`').skip(1).step_by(2);
                quoted.filter(|text| begins_like_a_command(text)).for_each(|text| add(number, text.to_owned(), false));
            }
        }
        found
    }

    /// The names by which links lead into it: those of its headings, and those that stand there as `<a id="…">`, which
    /// stay the same when a heading is put better.
    #[must_use]
    pub fn anchors(&self) -> BTreeSet<String> {
        let headings = self.text.lines().filter(|line| line.starts_with('#'));
        let headings = headings.map(|line| anchor(line.trim_start_matches('#').trim()));
        let given = self.text.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next().map(str::to_owned));
        headings.chain(given).collect()
    }

    /// The rows of its tables.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut heads: Vec<String> = Vec::new();
        for (number, line) in (1..).zip(self.text.lines()) {
            if !line.starts_with('|') {
                heads.clear();
            } else if heads.is_empty() {
                heads = cells(line);
            } else if !line.trim_matches(['|', '-', ':', ' ']).is_empty() {
                let place = format!("{}:{number}", self.path);
                rows.push(Row { place, heads: heads.clone(), cells: cells(line) });
            }
        }
        rows
    }
}

/// A heading as a link names it.
#[must_use]
pub fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|sign| sign.is_alphanumeric() || [' ', '-', '_'].contains(sign));
    kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}

impl Row {
    /// What stands in the column of that head.
    #[must_use]
    pub fn cell(&self, head: &str) -> Option<&str> {
        let column = self.heads.iter().position(|known| known == head)?;
        self.cells.get(column).map(String::as_str)
    }
}

fn begins_like_a_command(text: &str) -> bool {
    PROGRAMS.iter().any(|program| {
        let rest = text.strip_prefix(program);
        rest.is_some_and(|rest| {
            rest.starts_with(' ') || program.ends_with('/') || (rest.is_empty() && program.contains('/'))
        })
    })
}

fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|').trim_end_matches('|');
    line.split('|').map(|cell| cell.trim().to_owned()).collect()
}

impl DocumentedCommand {
    /// The words of its first simple command, as a shell takes them: without assignments before it, redirections and
    /// comments behind it. None, when it only sets variables.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        let mut quote: Option<char> = None;
        let mut depth = 0_u32;
        let mut rest = self.line.chars().peekable();
        while let Some(sign) = rest.next() {
            match (quote, sign) {
                (Some(open), sign) if open == sign => quote = None,
                (Some(_), sign) => word.get_or_insert_default().push(sign),
                (None, '\'' | '"') => {
                    quote = Some(sign);
                    word.get_or_insert_default();
                }
                (None, '(' | ')') => {
                    depth = if sign == '(' { depth + 1 } else { depth.saturating_sub(1) };
                    word.get_or_insert_default().push(sign);
                }
                (None, sign) if depth > 0 => word.get_or_insert_default().push(sign),
                (None, '#') if word.is_none() => break,
                (None, '|' | ';' | '&') => break,
                (None, '<' | '>') if rest.peek().is_none_or(|next| *next == ' ') && word.is_none() => break,
                (None, sign) if sign.is_whitespace() => words.extend(word.take()),
                (None, sign) => word.get_or_insert_default().push(sign),
            }
        }
        words.extend(word);
        let assigns = |word: &String| {
            let name = word.split_once('=').map(|(name, _)| name);
            name.is_some_and(|name| name.chars().all(|sign| sign.is_ascii_uppercase() || sign == '_'))
        };
        words.into_iter().skip_while(assigns).collect()
    }
}

/// From one state to another, by these commands.
pub type Steps = BTreeMap<(String, String), BTreeSet<String>>;

/// Where every life in [`state_diagram`] begins and ends.
pub const OUTSIDE: &str = "[*]";

/// A state machine as Mermaid draws it.
#[must_use]
pub fn state_diagram(steps: &Steps) -> String {
    let mut picture = "```mermaid\nstateDiagram-v2\n".to_owned();
    for ((from, to), commands) in steps {
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        let label = if commands.is_empty() { String::new() } else { format!(": {}", commands.join(", ")) };
        // Writing to a string cannot fail.
        let _ = writeln!(picture, "    {from} --> {to}{label}");
    }
    picture + "```"
}

/// The Rust files of the workspace.
///
/// # Errors
/// What cannot be read.
pub fn sources() -> io::Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["crates", "bins"] {
        collect(&root.join(folder), "rs", &mut files)?;
    }
    Ok(files)
}

/// The names of all tests in the sources.
///
/// # Errors
/// What cannot be read.
pub fn tests() -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for file in sources()? {
        let mut is_test = false;
        for line in std::fs::read_to_string(file)?.lines().map(str::trim) {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
                names.extend(rest.split_once('(').map(|(name, _)| name.to_owned()));
                is_test = false;
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page { path: "a.md".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn what_a_page_tells_somebody_to_type_is_found_wherever_it_stands() {
        let text = "Say `just ci fmt`, not `justice`.\n\n    just test join   # those\n    no command\n\n\
                    ```sh\nA=1 B=$(date -u; x)\nA='x y' vcare-admin tenant \\\n  list < file\n```\n\n```\n$ vcare-admin doctor\nall is well\n```\n";
        let found = page(text).commands();
        let words: Vec<String> = found.iter().map(|command| command.words().join(" ")).collect();
        let wanted = ["just ci fmt", "just test join", "", "vcare-admin tenant list", "vcare-admin doctor"];
        assert_eq!(words, wanted);
        let places: Vec<&str> = found.iter().map(|command| command.place.as_str()).collect();
        assert_eq!(places, ["a.md:1", "a.md:3", "a.md:7", "a.md:8", "a.md:13"]);
    }

    #[test]
    fn the_rows_of_a_table_know_their_heads() {
        let rows = page("| what | shown by |\n|---|:--|\n| a fault | `a_test` |\n\n| other |\n|---|\n| x |\n").rows();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].cell("shown by"), rows[0].cell("no")), (Some("`a_test`"), None));
        assert_eq!(rows[1].place, "a.md:7");
    }

    #[test]
    fn links_lead_to_headings_and_to_names_that_are_given() {
        let page = page("<a id=\"is-late\"></a>\n\n## An Encounter is late: FHIR\n");
        assert_eq!(page.anchors().into_iter().collect::<Vec<_>>(), ["an-encounter-is-late-fhir", "is-late"]);
    }

    #[test]
    fn the_blocks_of_one_language_are_told_from_others() {
        let blocks = page("```sh\none\n```\n```text\ntwo\n```\n```sh\nthree\n```\n").blocks("sh");
        assert_eq!(blocks, [(2, "one\n".to_owned()), (8, "three\n".to_owned())]);
    }
}
