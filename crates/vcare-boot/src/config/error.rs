//! What is wrong with a configuration, told without its values.

use std::path::Path;

/// A configuration that cannot be used. Names settings and what is wrong with them, never their values.
#[derive(Debug, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct ConfigError {
    /// One line a problem.
    pub problems: Vec<String>,
}

impl ConfigError {
    /// Where a setting that is missing was looked for.
    pub(super) fn looked_for_in(mut self, file: Option<&Path>) -> Self {
        let Some(name) = self.problems.iter().find_map(|problem| problem.strip_suffix(": is missing")) else {
            return self;
        };
        // Of a section that is missing as a whole, any of its settings is looked for.
        let (variable, more) = (name.replace('.', "__").to_uppercase(), if name.contains('.') { "" } else { "__…" });
        let file = match file {
            Some(file) => format!("in {}", file.display()),
            None => "in no file, as VCARE_CONFIG_FILE is not set".to_owned(),
        };
        self.problems.push(format!("looked for {name} {file}, and for VCARE_{variable}{more}"));
        self
    }
}

impl From<String> for ConfigError {
    fn from(problem: String) -> Self {
        Self { problems: vec![problem] }
    }
}

/// Figment's errors quote values; ours name the setting and what is wrong with it.
pub(super) fn told(errors: figment::Error) -> ConfigError {
    use figment::error::Kind;
    let problems = errors.into_iter().map(|error| {
        let path = error.path.join(".");
        match &error.kind {
            Kind::MissingField(name) if path.is_empty() => format!("{name}: is missing"),
            Kind::MissingField(name) => format!("{path}.{name}: is missing"),
            Kind::UnknownField(name, expected) => {
                // Of some sections the path ends in the setting's own name already.
                let place = match path.as_str() {
                    "" => name.clone(),
                    path if error.path.last() == Some(name) => path.to_owned(),
                    path => format!("{path}.{name}"),
                };
                format!("{place}: there is no such setting; expected one of {}", expected.join(", "))
            }
            Kind::InvalidType(_, expected) => format!("{path}: expected {expected}"),
            Kind::InvalidValue(_, expected) => format!("{path}: expected {expected}"),
            Kind::UnknownVariant(_, expected) => format!("{path}: expected one of {}", expected.join(", ")),
            Kind::DuplicateField(name) => format!("{path}.{name}: stands there twice"),
            _ if path.is_empty() => "the configuration file is not valid TOML".to_owned(),
            _ => format!("{path}: is not valid"),
        }
    });
    ConfigError { problems: problems.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_missing_setting_was_looked_for_is_told() {
        let message = |problem: &str, file: Option<&str>| {
            ConfigError::from(problem.to_owned()).looked_for_in(file.map(Path::new)).to_string()
        };
        assert_eq!(
            message("links: is missing", None),
            "links: is missing\nlooked for links in no file, as VCARE_CONFIG_FILE is not set, and for VCARE_LINKS__…"
        );
        assert_eq!(
            message("fhir.base_url: is missing", Some("/etc/vcare.toml")),
            "fhir.base_url: is missing\nlooked for fhir.base_url in /etc/vcare.toml, and for VCARE_FHIR__BASE_URL"
        );
        assert_eq!(message("worker.batch: expected u16", None), "worker.batch: expected u16");
    }
}
