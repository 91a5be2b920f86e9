//! An examination of what is stored: the catalogue, every part's object, and objects that nobody names. Changes nothing;
//! [`Lake::mend`] does.

use std::collections::BTreeSet;

use crawlspace_model::Table;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::Serialize;

use crate::error::Error;
use crate::lake::Lake;
use crate::part;
use crate::store::is_damage;

/// Something that is not as it should be, in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// What it is about: a file, an object, the catalogue.
    pub subject: String,
    pub problem: String,
    /// What to do.
    pub advice: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something is to be done.
    Problem,
    /// Good to know.
    Notice,
}

impl Finding {
    #[must_use]
    pub fn problem(subject: &str, problem: impl Into<String>, advice: &str) -> Self {
        Self::new(Severity::Problem, subject, problem.into(), advice)
    }

    #[must_use]
    pub fn notice(subject: &str, problem: impl Into<String>, advice: &str) -> Self {
        Self::new(Severity::Notice, subject, problem.into(), advice)
    }

    fn new(severity: Severity, subject: &str, problem: String, advice: &str) -> Self {
        Self {
            severity,
            subject: subject.to_owned(),
            problem,
            advice: advice.to_owned(),
        }
    }
}

const SET_ASIDE: &str = "run `crawlspace doctor --repair` while no server runs: the part is set aside and the rest \
    answers; its rows come back only from a backup";

impl Lake {
    /// Examines everything; with `deep`, every byte of every part.
    ///
    /// # Errors
    /// The catalogue or the store can't be asked.
    pub async fn examine(&self, deep: bool) -> Result<Vec<Finding>, Error> {
        let mut findings = Vec::new();
        for problem in self.catalogue.check().await? {
            let advice = "restore the latest backup, and keep this data directory for inspection";
            findings.push(Finding::problem("the catalogue", problem, advice));
        }
        // Listed before the names are read: what is committed meanwhile is named by then.
        let found = self.objects_found().await?;
        let named = self.catalogue.objects().await?;
        let named: BTreeSet<Path> = named.iter().map(|path| part::below_data(path)).collect();
        for part in self.parts() {
            if let Some(problem) = self.problem_of(&part, deep).await? {
                let path = part::location(&part.meta);
                findings.push(Finding::problem(path.as_ref(), problem, SET_ASIDE));
            }
        }
        for path in found.difference(&named) {
            findings.push(Finding::problem(
                path.as_ref(),
                "the catalogue does not know this object: programs that read the directory may take it for a part",
                "run `crawlspace doctor --repair` while no server runs: it is moved to `damaged/`",
            ));
        }
        for name in self.damaged_parts() {
            findings.push(Finding::notice(
                &name,
                "a damaged part that was set aside: answers miss its rows",
                "restore a backup if you need them; the file is below `damaged/`",
            ));
        }
        Ok(findings)
    }

    /// Moves objects that nobody names out of the way, and sets damaged parts aside; with `deep`, those too whose bytes
    /// are damaged. Only for who is alone with the data directory.
    ///
    /// # Errors
    /// The catalogue or the store can't be used; what was mended before stays so.
    pub async fn mend(&self, deep: bool) -> Result<(), Error> {
        self.set_aside_unfit().await?;
        if deep {
            self.check_parts().await?;
        }
        let named = self.catalogue.objects().await?;
        let named: BTreeSet<Path> = named.iter().map(|path| part::below_data(path)).collect();
        for path in self.objects_found().await?.difference(&named) {
            self.keep_aside(path).await?;
        }
        Ok(())
    }

    async fn problem_of(
        &self,
        part: &crate::catalogue::Part,
        deep: bool,
    ) -> Result<Option<String>, Error> {
        let (path, expected) = (part::location(&part.meta), part.meta.size_bytes);
        match self.store.head(&path).await {
            Ok(object) if object.size != expected => {
                return Ok(Some(format!(
                    "it has {} bytes instead of {expected}",
                    object.size
                )));
            }
            Ok(_) => {}
            // It may have ended since the list was made.
            Err(object_store::Error::NotFound { .. }) if !self.is_live(part.id) => return Ok(None),
            Err(object_store::Error::NotFound { .. }) => return Ok(Some("it is gone".to_owned())),
            Err(error) => return Err(error.into()),
        }
        if !deep {
            return Ok(None);
        }
        match self.read_whole(part).await {
            Ok(()) => Ok(None),
            Err(error) if is_damage(&error) && self.is_live(part.id) => Ok(Some(error.to_string())),
            Err(error) if is_damage(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn is_live(&self, id: i64) -> bool {
        self.parts().iter().any(|part| part.id == id)
    }

    /// The objects where parts are.
    async fn objects_found(&self) -> Result<BTreeSet<Path>, Error> {
        let mut found = BTreeSet::new();
        for table in Table::ALL {
            let directory = part::directory(table);
            let listed = self.store.list_with_delimiter(Some(&directory)).await?;
            found.extend(listed.objects.into_iter().map(|object| object.location));
        }
        Ok(found)
    }
}
