//! placeholder
use crate::steps::Step; use crate::workspace::Workspace;
pub(crate) fn steps(_workspace: &Workspace) -> Vec<Step<'_>> { vec![] }
