//! Routes that say who they are.

use tta_core::{Flow, Primitive, step_with};
use tta_router::{RouterBuilder, RouterPrimitive};

/// Answers with its name.
pub(crate) fn named(
    name: &'static str,
) -> Flow<impl Primitive<Input = String, Output = &'static str> + 'static> {
    step_with(name, name, async |name: &&'static str, _: String| Ok(*name))
}

/// A builder with the routes `small` and `large`.
pub(crate) fn two_routes() -> RouterBuilder<String, &'static str> {
    RouterPrimitive::builder()
        .route("small", named("small"))
        .route("large", named("large"))
}

/// An owned question.
pub(crate) fn ask(question: &str) -> String {
    question.to_owned()
}
