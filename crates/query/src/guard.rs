//! Limits on the text of a query, checked on its tokens: long flat chains of operators overflow the stack of later
//! passes, which recurse where the parser does not.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::Error;

pub const TEXT_BYTES_MAX: usize = 64 << 10;
pub const TOKENS_MAX: usize = 8_000;
pub const OPERATORS_MAX: usize = 400;
pub const SET_OPERATIONS_MAX: usize = 32;
pub const JOINS_MAX: usize = 16;

/// Checks a query's length before it is read at all.
pub(crate) fn check_text(sql: &str) -> Result<(), Error> {
    limit(
        "the query's text",
        sql.len(),
        TEXT_BYTES_MAX,
        "ask for less at a time",
    )
}

/// Checks a query's tokens before they are parsed.
pub(crate) fn check_tokens(tokens: &[TokenWithSpan]) -> Result<(), Error> {
    let count = |is: fn(&Token) -> bool| tokens.iter().filter(|token| is(&token.token)).count();
    limit(
        "the number of words",
        count(|token| !matches!(token, Token::Whitespace(_))),
        TOKENS_MAX,
        "ask for less at a time",
    )?;
    limit(
        "the number of operators",
        count(is_operator),
        OPERATORS_MAX,
        "use IN (…) or a shorter expression",
    )?;
    limit(
        "the number of unions",
        count(|token| is_keyword(token, &SET_OPERATIONS)),
        SET_OPERATIONS_MAX,
        "split the query",
    )?;
    limit(
        "the number of joins",
        count(|token| is_keyword(token, &[Keyword::JOIN])),
        JOINS_MAX,
        "split the query",
    )
}

const SET_OPERATIONS: [Keyword; 3] = [Keyword::UNION, Keyword::INTERSECT, Keyword::EXCEPT];

fn limit(
    what: &'static str,
    value: usize,
    limit: usize,
    advice: &'static str,
) -> Result<(), Error> {
    if value <= limit {
        Ok(())
    } else {
        Err(Error::OverLimit {
            what,
            limit: limit as u64,
            advice,
        })
    }
}

fn is_keyword(token: &Token, keywords: &[Keyword]) -> bool {
    matches!(token, Token::Word(word) if keywords.contains(&word.keyword))
}

fn is_operator(token: &Token) -> bool {
    const WORDS: [Keyword; 6] = [
        Keyword::AND,
        Keyword::OR,
        Keyword::NOT,
        Keyword::LIKE,
        Keyword::ILIKE,
        Keyword::IS,
    ];
    is_keyword(token, &WORDS)
        || !matches!(
            token,
            Token::Word(_)
                | Token::Number(..)
                | Token::Whitespace(_)
                | Token::SingleQuotedString(_)
                | Token::Comma
                | Token::Period
                | Token::LParen
                | Token::RParen
                | Token::LBracket
                | Token::RBracket
                | Token::SemiColon
                | Token::EOF
        )
}
