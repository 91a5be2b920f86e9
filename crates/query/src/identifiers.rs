//! Dotted names: joins `db.system.name` or `late.key.3` into one identifier where such a column exists, and notes which
//! columns a query names, so that the planner is offered only those. Works on tokens, before parsing: SQL itself would
//! read the dots as table and column.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crawlspace_model::Table;
use datafusion::sql::sqlparser::dialect::DuckDbDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{
    Token, TokenWithSpan, Tokenizer, TokenizerError, Word,
};

use crate::error::Error;

/// What the columns of the tables are.
pub(crate) trait Columns {
    fn has_column(&self, table: Table, name: &str) -> bool;
    /// All names, to suggest one.
    fn names(&self, table: Table) -> BTreeSet<String>;
}

/// Columns that have been asked about: SQL says the same words again and again, and each is looked for in every batch in
/// memory.
struct Remembered<'a> {
    columns: &'a dyn Columns,
    known: RefCell<HashMap<(Table, String), bool>>,
}

impl Columns for Remembered<'_> {
    fn has_column(&self, table: Table, name: &str) -> bool {
        let mut known = self.known.borrow_mut();
        let known = known.entry((table, name.to_owned()));
        *known.or_insert_with(|| self.columns.has_column(table, name))
    }

    fn names(&self, table: Table) -> BTreeSet<String> {
        self.columns.names(table)
    }
}

/// A query's tokens with its dotted names joined.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub tokens: Vec<TokenWithSpan>,
    /// The columns that are named, by table.
    pub named: BTreeMap<Table, BTreeSet<String>>,
    /// Whether `*` asks for all columns.
    pub wildcard: bool,
}

pub(crate) fn tokenize(sql: &str) -> Result<Vec<TokenWithSpan>, Error> {
    Tokenizer::new(&DuckDbDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error: TokenizerError| Error::Syntax {
            message: error.message,
            line: error.location.line,
            column: error.location.column,
        })
}

/// The tables that a statement may name.
pub(crate) fn tables(tokens: &[TokenWithSpan]) -> BTreeSet<Table> {
    tokens
        .iter()
        .filter_map(|token| Table::parse(&bare_word(token)?.value))
        .collect()
}

/// Joins the dotted names of a statement. `from` is the table of a bare condition, which names none itself.
pub(crate) fn resolve(
    tokens: Vec<TokenWithSpan>,
    from: Option<Table>,
    columns: &dyn Columns,
) -> Result<Resolved, Error> {
    let tables: BTreeSet<Table> = match from {
        Some(table) => BTreeSet::from([table]),
        None => self::tables(&tokens),
    };
    let columns: &dyn Columns = &Remembered {
        columns,
        known: RefCell::default(),
    };
    let qualifiers = qualifiers(&tokens);
    let mut resolved = Resolved {
        tokens: Vec::new(),
        named: tables.iter().map(|t| (*t, BTreeSet::new())).collect(),
        wildcard: false,
    };
    let mut index = 0;
    while index < tokens.len() {
        let chain = chain_at(&tokens, index);
        if chain == 0 {
            resolved.wildcard |= is_wildcard(&tokens, index);
            resolved.name_quoted(&tokens[index], columns);
            resolved.tokens.push(tokens[index].clone());
            index += 1;
            continue;
        }
        let next = tokens[index + chain..]
            .iter()
            .find(|token| !matches!(token.token, Token::Whitespace(_)));
        resolved.push_chain(&tokens[index..index + chain], next, &qualifiers, columns)?;
        index += chain;
    }
    Ok(resolved)
}

impl Resolved {
    /// Adds a name of one or more words; the longest reading that is a column wins.
    fn push_chain(
        &mut self,
        chain: &[TokenWithSpan],
        next: Option<&TokenWithSpan>,
        qualifiers: &BTreeSet<String>,
        columns: &dyn Columns,
    ) -> Result<(), Error> {
        let text: String = chain.iter().map(|token| token.token.to_string()).collect();
        let is_call = next.is_some_and(|token| token.token == Token::LParen);
        if is_call {
            // Functions are known by their lower-case names.
            self.tokens.extend(chain.iter().cloned().map(lower_cased));
            return Ok(());
        }
        if self.name(&text, columns) {
            if chain.len() == 1 {
                self.tokens.push(chain[0].clone())
            } else {
                self.tokens.push(quoted(&chain[0], &text))
            }
            return Ok(());
        }
        let Some((first, rest)) = text.split_once('.') else {
            self.tokens.push(chain[0].clone());
            return Ok(());
        };
        if !qualifiers.contains(&first.to_lowercase()) {
            let known: BTreeSet<String> = self
                .named
                .keys()
                .flat_map(|table| columns.names(*table))
                .collect();
            return Err(Error::unknown_field(
                &text,
                known.iter().map(String::as_str),
            ));
        }
        self.name(rest, columns);
        let at = |token: Token| TokenWithSpan {
            token,
            span: chain[0].span,
        };
        self.tokens
            .extend([chain[0].clone(), at(Token::Period), quoted(&chain[0], rest)]);
        Ok(())
    }

    /// Notes a name in each table that has it. Answers whether one has.
    fn name(&mut self, name: &str, columns: &dyn Columns) -> bool {
        let mut is_known = false;
        for (table, named) in &mut self.named {
            if named.contains(name) || columns.has_column(*table, name) {
                named.insert(name.to_owned());
                is_known = true;
            }
        }
        is_known
    }

    fn name_quoted(&mut self, token: &TokenWithSpan, columns: &dyn Columns) {
        if let Token::Word(Word {
            value,
            quote_style: Some(_),
            ..
        }) = &token.token
        {
            self.name(value, columns);
        }
    }
}

fn bare_word(token: &TokenWithSpan) -> Option<&Word> {
    match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word),
        _ => None,
    }
}

fn quoted(at: &TokenWithSpan, name: &str) -> TokenWithSpan {
    let word = Word {
        value: name.to_owned(),
        quote_style: Some('"'),
        keyword: Keyword::NoKeyword,
    };
    TokenWithSpan {
        token: Token::Word(word),
        span: at.span,
    }
}

fn lower_cased(token: TokenWithSpan) -> TokenWithSpan {
    match token.token {
        Token::Word(mut word) if word.quote_style.is_none() => {
            word.value = word.value.to_lowercase();
            TokenWithSpan {
                token: Token::Word(word),
                span: token.span,
            }
        }
        _ => token,
    }
}

/// How many tokens from here on are one name: a bare word, then words and numbers joined by dots without space.
fn chain_at(tokens: &[TokenWithSpan], start: usize) -> usize {
    if bare_word(&tokens[start]).is_none() || is_after_period(tokens, start) {
        return 0;
    }
    let mut end = start + 1;
    while let Some(token) = tokens.get(end) {
        let continues = match &token.token {
            // The tokenizer reads the dot before digits as theirs.
            Token::Number(digits, _) => {
                digits.starts_with('.') || ends_with_dot(&tokens[start..end])
            }
            Token::Period => tokens
                .get(end + 1)
                .is_some_and(|next| bare_word(next).is_some() || is_number(next)),
            Token::Word(word) => word.quote_style.is_none(),
            _ => false,
        };
        if !continues {
            break;
        }
        end += 1;
    }
    end - start
}

fn is_number(token: &TokenWithSpan) -> bool {
    matches!(token.token, Token::Number(..))
}

fn ends_with_dot(chain: &[TokenWithSpan]) -> bool {
    chain
        .last()
        .is_some_and(|token| token.token == Token::Period)
}

fn is_after_period(tokens: &[TokenWithSpan], index: usize) -> bool {
    index > 0 && tokens[index - 1].token == Token::Period
}

/// The words that may stand before a dot without being part of a name: tables, their aliases, and names of sub-queries.
fn qualifiers(tokens: &[TokenWithSpan]) -> BTreeSet<String> {
    let words: Vec<&Token> = tokens
        .iter()
        .map(|token| &token.token)
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    let mut found: BTreeSet<String> = Table::ALL
        .iter()
        .map(|table| table.name().to_owned())
        .collect();
    for pair in words.windows(2) {
        let Token::Word(name) = pair[1] else { continue };
        let follows_relation = match pair[0] {
            Token::Word(before) => {
                before.keyword == Keyword::AS
                    || before.keyword == Keyword::WITH
                    || found.contains(&before.value.to_lowercase())
            }
            Token::RParen | Token::Comma => true,
            _ => false,
        };
        let is_name = name.quote_style.is_some()
            || name.keyword == Keyword::NoKeyword
            || name.value.len() == 1;
        if follows_relation && is_name {
            found.insert(name.value.to_lowercase());
        }
    }
    found
}

/// Whether the `*` here stands for all columns, not for a product or a count.
fn is_wildcard(tokens: &[TokenWithSpan], index: usize) -> bool {
    if tokens[index].token != Token::Mul {
        return false;
    }
    let before = tokens[..index]
        .iter()
        .rev()
        .find(|token| !matches!(token.token, Token::Whitespace(_)));
    match before.map(|token| &token.token) {
        Some(Token::Word(word)) => matches!(
            word.keyword,
            Keyword::SELECT | Keyword::DISTINCT | Keyword::ALL
        ),
        Some(Token::Comma | Token::Period) => true,
        _ => false,
    }
}
