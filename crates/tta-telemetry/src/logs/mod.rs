//! Log lines through `tracing`.
