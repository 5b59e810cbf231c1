//! What may differ from the rules. Each entry needs a reason; one that is not needed any more fails.

use super::problem::{Problem, Rule};

/// One rule that one file may break.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exception {
    pub(super) rule: Rule,
    pub(super) path: &'static str,
    /// Why it is better so.
    pub(super) reason: &'static str,
}

/// The list; empty is best.
pub(super) const EXCEPTIONS: &[Exception] = &[];

/// Problems that no exception covers, then exceptions that cover nothing.
pub(super) fn apply(exceptions: &[Exception], problems: Vec<Problem>) -> Vec<String> {
    let covers =
        |exception: &Exception, problem: &Problem| exception.rule == problem.rule && exception.path == problem.path;
    let stale: Vec<String> = exceptions
        .iter()
        .filter(|exception| !problems.iter().any(|problem| covers(exception, problem)))
        .map(|exception| {
            format!(
                "stale exception: {} breaks {:?} no more ({}); remove it from xtask/src/tidy/exceptions.rs",
                exception.path, exception.rule, exception.reason
            )
        })
        .collect();
    let mut open: Vec<String> = problems
        .into_iter()
        .filter(|problem| !exceptions.iter().any(|exception| covers(exception, problem)))
        .map(|problem| problem.to_string())
        .collect();
    open.extend(stale);
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(rule: Rule) -> Problem {
        Problem { rule, path: "a.rs".to_owned(), line: 3, message: "m".to_owned() }
    }

    const ONE: &[Exception] = &[Exception { rule: Rule::LongFile, path: "a.rs", reason: "a table" }];

    #[test]
    fn an_exception_covers_one_rule_of_one_file() {
        assert!(apply(ONE, vec![problem(Rule::LongFile)]).is_empty());
        let open = apply(ONE, vec![problem(Rule::LongFile), problem(Rule::Facade)]);
        assert_eq!(open, ["a.rs:3: m (Facade)"]);
    }

    #[test]
    fn a_stale_exception_fails() {
        assert!(apply(ONE, Vec::new())[0].starts_with("stale exception: a.rs breaks LongFile no more (a table)"));
    }
}
