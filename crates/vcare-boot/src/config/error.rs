//! What is wrong with a configuration, told without its values.

/// A configuration that cannot be used. Names settings and what is wrong with them, never their values.
#[derive(Debug, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct ConfigError {
    /// One line a problem.
    pub problems: Vec<String>,
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
