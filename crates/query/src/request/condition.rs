//! Conditions as people write them, checked to be one expression each: nothing that is more than that gets through.

use std::collections::BTreeSet;

use crawlspace_lake::TableSnapshot;
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};
use datafusion::sql::sqlparser::dialect::DuckDbDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::engine::syntax_error;
use crate::error::Error;
use crate::identifiers::{self, Columns};
use crate::{attribute, guard};

/// A part of a condition that has to hold like all the others.
#[derive(Debug)]
pub(crate) struct Conjunct {
    pub sql: String,
    /// The fields it names.
    pub named: BTreeSet<String>,
}

/// A name as an SQL identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A field of the table as an SQL identifier.
pub(crate) fn known_field(table: &TableSnapshot, name: &str) -> Result<String, Error> {
    if attribute::is_known(table, name) {
        return Ok(quoted(name));
    }
    let names = attribute::names(table);
    Err(Error::unknown_field(name, names.iter().map(String::as_str)))
}

/// A condition over the table's own fields as SQL; `None` where there is none.
pub(crate) fn condition_of(
    table: &TableSnapshot,
    text: Option<&str>,
) -> Result<Option<String>, Error> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    Ok(Some(expression(table, table, text)?.to_string()))
}

/// The parts of a condition, split where it says AND.
pub(crate) fn conjuncts(
    table: &TableSnapshot,
    columns: &dyn Columns,
    text: &str,
) -> Result<Vec<Conjunct>, Error> {
    let mut parts = Vec::new();
    split(expression(table, columns, text)?, &mut parts);
    let conjunct = |part: Expr| {
        let sql = format!("({part})");
        let tokens = identifiers::tokenize(&sql)?;
        let mut resolved = identifiers::resolve(tokens, Some(table.table), columns)?;
        let named = resolved.named.remove(&table.table).unwrap_or_default();
        Ok(Conjunct { sql, named })
    };
    parts.into_iter().map(conjunct).collect()
}

fn split(expression: Expr, parts: &mut Vec<Expr>) {
    match expression {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            split(*left, parts);
            split(*right, parts);
        }
        Expr::Nested(inner) => split(*inner, parts),
        other => parts.push(other),
    }
}

fn expression(table: &TableSnapshot, columns: &dyn Columns, text: &str) -> Result<Expr, Error> {
    let resolved = identifiers::resolve(guarded(text)?, Some(table.table), columns)?;
    one_expression(resolved.tokens)
}

/// The tokens of a text that is short enough to be parsed.
fn guarded(text: &str) -> Result<Vec<TokenWithSpan>, Error> {
    guard::check_text(text)?;
    let tokens = identifiers::tokenize(text)?;
    guard::check_tokens(&tokens)?;
    Ok(tokens)
}

fn one_expression(tokens: Vec<TokenWithSpan>) -> Result<Expr, Error> {
    let mut parser = Parser::new(&DuckDbDialect {}).with_tokens_with_locations(tokens);
    let expression = parser.parse_expr().map_err(|error| syntax_error(&error))?;
    let next = parser.next_token();
    if next.token == Token::EOF {
        return Ok(expression);
    }
    let (line, column) = (next.span.start.line, next.span.start.column);
    Err(Error::Syntax {
        message: format!(
            "unexpected `{}` after the condition at line {line}, column {column}",
            next.token
        ),
        line,
        column,
    })
}

/// A condition in which calculations, as they were written, stand for their columns.
pub(crate) fn with_columns(having: &str, calculations: &[&str]) -> Result<String, Error> {
    let significant = |text: &str| {
        let mut tokens = guarded(text)?;
        tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
        Ok::<_, Error>(tokens)
    };
    let mut patterns = Vec::new();
    for text in calculations {
        let tokens: Vec<Token> = significant(text)?
            .into_iter()
            .map(|token| token.token)
            .collect();
        patterns.push((tokens, text));
    }
    patterns.sort_by_key(|(tokens, _)| std::cmp::Reverse(tokens.len()));
    let tokens = significant(having)?;
    let mut words: Vec<String> = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let rest = &tokens[index..];
        let found = patterns.iter().find(|(pattern, _)| {
            rest.len() >= pattern.len()
                && pattern
                    .iter()
                    .zip(rest)
                    .all(|(wanted, token)| *wanted == token.token)
        });
        match found {
            Some((pattern, text)) => {
                words.push(quoted(text));
                index += pattern.len();
            }
            None => {
                words.push(rest[0].token.to_string());
                index += 1;
            }
        }
    }
    Ok(one_expression(identifiers::tokenize(&words.join(" "))?)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::with_columns;
    use crate::error::Error;

    #[test]
    fn conditions_on_groups_are_as_short_as_others() {
        let chain = |count: usize| format!("{}1 > 0", "1+".repeat(count));
        assert!(with_columns(&chain(300), &["count"]).is_ok());
        // Parsed, the longest of these would overflow the stack when it is dropped.
        for long in [chain(1_000), chain(1 << 19)] {
            for (having, calculation) in [(&*long, "count"), ("count > 1", &*long)] {
                let refused = with_columns(having, &[calculation]);
                assert!(matches!(refused, Err(Error::OverLimit { .. })));
            }
        }
    }
}
