//! What a FHIR server says when it refuses.

use serde_json::{Value, json};

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Issue {
    code: &'static str,
    /// Where in the resource; empty when it is not about a place.
    expression: String,
    diagnostics: String,
}

impl Issue {
    pub fn new(code: &'static str, expression: impl Into<String>, diagnostics: impl Into<String>) -> Self {
        Self { code, expression: expression.into(), diagnostics: diagnostics.into() }
    }
}

pub(super) fn of(issues: &[Issue]) -> Value {
    let issue = |issue: &Issue| {
        let mut shown = json!({"severity": "error", "code": issue.code, "diagnostics": issue.diagnostics});
        if !issue.expression.is_empty() {
            shown["expression"] = json!([issue.expression]);
        }
        shown
    };
    json!({"resourceType": "OperationOutcome", "issue": issues.iter().map(issue).collect::<Vec<Value>>()})
}
