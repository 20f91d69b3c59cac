//! Who may share an answer.

use tta_core::WorkflowContext;

use crate::key::KeyBuilder;

/// Who may share an answer; a cache cannot be made without saying so.
///
/// A call whose context lacks what the scope asks for is computed and not stored, and counted as a
/// miss with reason `bypass`: an answer without an owner is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Everybody: the answer depends on the input alone.
    Global,
    /// One user's session; see [`Identity::session_id`](tta_core::Identity::session_id).
    Session,
    /// Whoever has the same value of this piece of [metadata](WorkflowContext::metadata), such as
    /// `tenant_id`.
    Tenant(String),
}

impl Scope {
    /// Writes the owner into the key; whether there is one.
    #[inline]
    pub(crate) fn write(&self, ctx: &WorkflowContext, key: &mut KeyBuilder) -> bool {
        match self {
            Self::Global => true,
            Self::Session => ctx.identity().session_id().is_some_and(|session| {
                key.text(session);
                true
            }),
            Self::Tenant(metadata) => ctx.metadata(metadata).is_some_and(|tenant| {
                key.text(&tenant);
                true
            }),
        }
    }
}
