//! A file of tenants, read with the position of each setting, so that every mistake can name its line and column.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;
use vcare_app::ports::SecretName;
use vcare_app::tenants::TenantConfigPatch;
use vcare_domain::TenantId;

/// A tenant of the file.
pub struct Entry {
    pub tenant: TenantId,
    /// Where its name stands.
    pub at: usize,
    /// Its settings that can be read, by name, and where their values stand.
    pub settings: BTreeMap<String, (usize, Value)>,
}

impl Entry {
    /// Where a setting stands; the tenant, when it stands nowhere.
    pub fn place_of(&self, setting: &str) -> usize {
        self.settings.get(setting).map_or(self.at, |(at, _)| *at)
    }

    /// Its settings as one change.
    pub fn patch(&self) -> anyhow::Result<TenantConfigPatch> {
        self.patch_but(&[], &[])
    }

    /// The same without those that are wrong, and with something in the place of what is needed, so that the rest can be
    /// looked at.
    pub fn patch_but(&self, wrong: &[&str], needed: &[&str]) -> anyhow::Result<TenantConfigPatch> {
        let kept = self.settings.iter().filter(|(name, _)| !wrong.contains(&name.as_str()));
        let kept = kept.map(|(name, (_, value))| (name.clone(), value.clone()));
        let stand_in = |name: &&str| ((*name).to_owned(), Value::from("https://needed.invalid"));
        let settings: Map<String, Value> = kept.chain(needed.iter().map(stand_in)).collect();
        serde_json::from_value(Value::Object(settings)).context("settings")
    }
}

/// A file, as far as it can be read.
pub struct TenantsFile {
    pub tenants: Vec<Entry>,
    pub mistakes: Mistakes,
}

/// What is wrong with a file, each with its place.
pub struct Mistakes {
    name: String,
    text: String,
    found: Vec<(usize, String)>,
}

impl Mistakes {
    pub fn note(&mut self, at: usize, message: impl Into<String>) {
        self.found.push((at, message.into()));
    }

    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Fails when there are any.
    pub fn none(&self) -> anyhow::Result<()> {
        if self.is_empty() { Ok(()) } else { bail!("{self}") }
    }

    /// Line and column, from 1.
    fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

impl fmt::Display for Mistakes {
    /// In the order of the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.name)?;
        let mut found: Vec<_> = self.found.iter().collect();
        found.sort_by_key(|(at, _)| *at);
        for (at, message) in found {
            let (line, column) = self.place(*at);
            write!(f, "\n  line {line}, column {column}: {message}")?;
        }
        Ok(())
    }
}

/// Reads a file. What cannot be read becomes a mistake, and the rest is read all the same.
pub fn read(file: &Path) -> anyhow::Result<TenantsFile> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(parse(file.display().to_string(), text))
}

/// `[tenants.<tenant>]`, and what is beside them.
type Root = BTreeMap<Spanned<String>, Value>;

#[derive(Deserialize)]
struct Tenants {
    #[serde(default)]
    tenants: BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<Value>>>,
}

fn parse(name: String, text: String) -> TenantsFile {
    let mut file = TenantsFile { tenants: Vec::new(), mistakes: Mistakes { name, text, found: Vec::new() } };
    let mistakes = &mut file.mistakes;
    let (root, tenants) = match (toml::from_str::<Root>(&mistakes.text), toml::from_str::<Tenants>(&mistakes.text)) {
        (Ok(root), Ok(tenants)) => (root, tenants.tenants),
        // What is no TOML, or another shape of it, cannot be gone on with.
        (Err(error), _) | (_, Err(error)) => {
            mistakes.note(error.span().map_or(0, |span| span.start), error.message());
            return file;
        }
    };
    for key in root.keys().filter(|key| key.get_ref() != "tenants") {
        mistakes.note(key.span().start, format!("{}: expected only tables [tenants.<tenant>]", key.get_ref()));
    }
    for (name, settings) in tenants {
        let at = name.span().start;
        match TenantId::parse(name.get_ref().as_str()) {
            Ok(tenant) => {
                let mut entry = Entry { tenant, at, settings: BTreeMap::new() };
                for (setting, value) in settings {
                    read_setting(&mut entry, &setting, value, mistakes);
                }
                file.tenants.push(entry);
            }
            Err(error) => mistakes.note(at, format!("[tenants.{:?}]: {error}", name.get_ref())),
        }
    }
    file
}

/// Takes a setting up that is one, of its type.
fn read_setting(entry: &mut Entry, setting: &Spanned<String>, value: Spanned<Value>, mistakes: &mut Mistakes) {
    let (name, key, at) = (setting.get_ref().clone(), setting.span().start, value.span().start);
    let tenant = format!("[tenants.{}]", entry.tenant);
    // Checked before the value, which must not be in a message.
    if SecretName::from_name(&name).is_some() {
        let message = "credentials have no place in a file: use vcare-admin secret set";
        return mistakes.note(key, format!("{tenant}: {name}: {message}"));
    }
    if matches!(name.as_str(), "version" | "tenantId") {
        return mistakes.note(key, format!("{tenant}: {name} is no setting"));
    }
    let alone = Map::from_iter([(name.clone(), value.get_ref().clone())]);
    match serde_json::from_value::<TenantConfigPatch>(Value::Object(alone)) {
        Ok(_) => {
            entry.settings.insert(name, (at, value.into_inner()));
        }
        Err(error) => {
            let message = error.to_string();
            let place = if message.starts_with("unknown field") { key } else { at };
            mistakes.note(place, format!("{tenant}: {name}: {message}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes_in(text: &str) -> String {
        parse("tenants.toml".to_owned(), text.to_owned()).mistakes.to_string()
    }

    #[test]
    fn all_mistakes_of_a_file_are_reported_together_in_the_order_of_its_lines() {
        let text = "[tenants.a]\nmaxParticipants = \"six\"\njitsiServrUrl = \"x\"\nlocale = 3\n\n[tenants.\"b c\"]\n\
                    [tenant.d]\n[tenants.e]\nzoomApiKey = \"very-secret\"\nversion = 3\n";
        let mistakes = mistakes_in(text);
        let lines: Vec<&str> = mistakes.lines().skip(1).map(|line| line.trim().split(": ").next().unwrap()).collect();
        let places = [(2, 19), (3, 1), (4, 10), (6, 10), (7, 2), (9, 1), (10, 1)];
        let expected = places.map(|(line, column)| format!("line {line}, column {column}"));
        assert_eq!(lines, expected, "{mistakes}");
        assert!(!mistakes.contains("very-secret"), "{mistakes}");
    }

    #[test]
    fn what_is_no_toml_has_one_mistake_with_its_place() {
        assert!(
            mistakes_in("[tenants.a]\n[tenants.b").contains("line 2, column 11"),
            "{}",
            mistakes_in("[tenants.a]\n[tenants.b")
        );
        assert_eq!(mistakes_in("[tenants.a]\nlocale = \"en\""), "tenants.toml:");
    }
}
