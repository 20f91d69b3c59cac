//! A page as it is asked for, piece by piece.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::vec;

use tta_core::registry;

use super::family::{self, Exposed, Family, Writer};
use super::names::Names;
use super::page::Page;
use super::user::{self, Skipped};
use super::{ExpositionFormat, Shown};

/// The pieces of one page, in order. Together they are what
/// [`render`](super::PrometheusExposition::render) gives.
///
/// Which series there are is settled with the first piece; what they read, with the piece that they
/// are in. A histogram is never parted, so that its buckets and its count always agree.
pub struct Pieces {
    shown: Arc<Shown>,
    page: Page,
    names: Names,
    writer: Writer,
    /// What is still to be written.
    rest: Rest,
}

/// What is still to be written, and all that comes after it.
enum Rest {
    Everything,
    /// Our own families, of which the first may have been begun.
    Families {
        current: Option<Box<Family>>,
        others: vec::IntoIter<Exposed>,
        /// Every name that one of ours has.
        spelled: HashSet<&'static str>,
    },
    Users,
    Nothing,
}

impl Pieces {
    pub(super) fn new(shown: Arc<Shown>, format: ExpositionFormat) -> Self {
        Self {
            shown,
            page: Page::new(format),
            names: Names::default(),
            writer: Writer::default(),
            rest: Rest::Everything,
        }
    }

    fn infos(&mut self) -> Rest {
        for info in &self.shown.infos {
            info.write(&mut self.page, &mut self.names);
        }
        let exposed = family::exposed(&registry().readers(), self.shown.aliases);
        Rest::Families {
            current: None,
            spelled: exposed.iter().map(|exposed| exposed.name).collect(),
            others: exposed.into_iter(),
        }
    }

    /// Writes families until the page is long enough.
    fn families(
        &mut self,
        mut current: Option<Box<Family>>,
        mut others: vec::IntoIter<Exposed>,
        spelled: HashSet<&'static str>,
    ) -> Rest {
        while !self.page.is_long() {
            let mut next = || others.by_ref().find_map(|next| self.claim(next, &spelled));
            let Some(mut family) = current.take().or_else(&mut next) else {
                return Rest::Users;
            };
            if !self.writer.write(&mut self.page, &mut family) {
                current = Some(family);
            }
        }
        Rest::Families {
            current,
            others,
            spelled,
        }
    }

    /// A family that is to be written; none where its name is another's.
    fn claim(&mut self, exposed: Exposed, spelled: &HashSet<&'static str>) -> Option<Box<Family>> {
        let Some(claimed) = exposed.claim(self.page.format, &mut self.names, spelled) else {
            self.shown.skip(exposed.name, Skipped::NameTaken);
            return None;
        };
        let texts = self.shown.texts.of(&exposed, &self.shown.redactor);
        Some(Box::new(Family {
            exposed,
            claimed,
            texts,
            done: 0,
            is_begun: false,
        }))
    }

    fn users(&mut self) {
        if let Some(registry) = &self.shown.user_registry {
            let skip = |name: &str, reason| self.shown.skip(name, reason);
            let redactor = &self.shown.redactor;
            user::write(registry, &mut self.page, &mut self.names, redactor, skip);
        }
    }
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        while !self.page.is_long() {
            self.rest = match std::mem::replace(&mut self.rest, Rest::Nothing) {
                Rest::Everything => self.infos(),
                Rest::Families {
                    current,
                    others,
                    spelled,
                } => self.families(current, others, spelled),
                Rest::Users => {
                    self.users();
                    self.page.end();
                    Rest::Nothing
                }
                Rest::Nothing => break,
            };
        }
        let is_over = matches!(self.rest, Rest::Nothing) && self.page.is_empty();
        (!is_over).then(|| self.page.take())
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").finish_non_exhaustive()
    }
}
