//! How keys are bound.

use crate::owned::database::{Column, Comparison};

/// What a decimal can hold, and after the point.
const DIGITS: usize = 65;
const SCALE: usize = 30;

/// A key as the column's type compares it.
#[derive(Debug, PartialEq)]
pub(super) enum Bind<'a> {
    Signed(i64),
    Unsigned(u64),
    Decimal(&'a str),
    Text(&'a str),
}

/// How the keys are written. A list that mixes numbers and decimals is not served by an index, so one decimal makes all of them
/// decimals. `None` if no decimal type holds all: halved, they are asked for apart.
pub(super) fn mark(keys: &[Bind<'_>]) -> Option<String> {
    let decimals =
        || keys.iter().filter_map(|key| if let Bind::Decimal(text) = key { Some(digits(text)) } else { None });
    let Some(scale) = decimals().map(|(_, fraction)| fraction).max() else { return Some("?".to_owned()) };
    let fits = decimals().all(|(whole, _)| whole + scale <= DIGITS);
    fits.then(|| format!("CAST(? AS DECIMAL({DIGITS}, {scale}))"))
}

/// How many digits are before and after the point.
fn digits(decimal: &str) -> (usize, usize) {
    let decimal = decimal.strip_prefix('-').unwrap_or(decimal);
    decimal.split_once('.').map_or((decimal.len(), 0), |(whole, fraction)| (whole.len(), fraction.len()))
}

/// `None` for what no row of the column can have.
pub(super) fn bind<'a>(column: &Column, key: &'a str) -> Option<Bind<'a>> {
    if column.comparison != Comparison::Number {
        return Some(Bind::Text(key));
    }
    let key = key.trim();
    let whole = key.parse().map(Bind::Signed).or_else(|_| key.parse().map(Bind::Unsigned));
    let is_decimal = || {
        let all = key.strip_prefix('-').unwrap_or(key).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let (whole, fraction) = digits(key);
        all && key.matches('.').count() <= 1 && whole > 0 && fraction <= SCALE && whole + fraction <= DIGITS
    };
    whole.ok().or_else(|| is_decimal().then_some(Bind::Decimal(key)))
}

#[cfg(test)]
mod tests {
    use crate::owned::database::Holds;

    use super::*;

    fn column(sql_type: &str, comparison: Comparison) -> Column {
        Column {
            name: "email".to_owned(),
            sql_type: sql_type.to_owned(),
            comparison,
            scalar: true,
            holds: Holds::Other,
            nullable: true,
            writable: true,
            max_length: None,
        }
    }

    #[test]
    fn keys_are_bound_as_the_column_compares() {
        let number = column("bigint", Comparison::Number);
        for (key, expected) in [
            ("42", Some(Bind::Signed(42))),
            ("-7", Some(Bind::Signed(-7))),
            ("18446744073709551615", Some(Bind::Unsigned(u64::MAX))),
            ("99999999999999999999", Some(Bind::Decimal("99999999999999999999"))),
            ("1.50", Some(Bind::Decimal("1.50"))),
            (
                "1234567890123456789012345678901234567890",
                Some(Bind::Decimal("1234567890123456789012345678901234567890")),
            ),
            ("1.2.3", None),
            ("12abc", None),
            ("1e0", None),
            ("", None),
            (".", None),
            ("NULL", None),
        ] {
            assert_eq!(bind(&number, key), expected, "{key}");
        }
        assert_eq!(bind(&column("varchar", Comparison::Exact), "12abc"), Some(Bind::Text("12abc")));
    }

    #[test]
    fn one_decimal_makes_all_decimals() {
        let (long, fine) = ("9".repeat(40), format!("0.{}", "1".repeat(30)));
        assert_eq!(mark(&[Bind::Signed(1), Bind::Unsigned(u64::MAX)]).unwrap(), "?");
        assert_eq!(mark(&[Bind::Signed(1), Bind::Decimal("1.50")]).unwrap(), "CAST(? AS DECIMAL(65, 2))");
        assert_eq!(mark(&[Bind::Decimal(&long)]).unwrap(), "CAST(? AS DECIMAL(65, 0))");
        assert_eq!(mark(&[Bind::Decimal(&long), Bind::Decimal(&fine)]), None);
    }
}
