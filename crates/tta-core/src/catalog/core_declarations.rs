//! What this crate emits.

use super::{Catalog, LogSpec, MetricSpec, SpanSpec, Unit};

/// What `tta-core` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-core",
    metrics: &[
        &PRIMITIVE_EXECUTIONS,
        &PRIMITIVE_DURATION,
        &PRIMITIVE_ERRORS,
        &PRIMITIVE_IN_FLIGHT,
        &PRIMITIVE_BUSY,
        &WORKFLOW_EXECUTIONS,
        &WORKFLOW_DURATION,
        &ACTIVE_WORKFLOWS,
        &FALLBACK_EXECUTIONS,
        &SAGA_COMPENSATIONS,
    ],
    spans: &[
        &WORKFLOW_SPAN,
        &PRIMITIVE_SPAN,
        &PARALLEL_BRANCH_SPAN,
        &FALLBACK_PRIMARY_SPAN,
        &FALLBACK_FALLBACK_SPAN,
        &SAGA_FORWARD_SPAN,
        &SAGA_COMPENSATION_SPAN,
    ],
    logs: &[
        &PRIMITIVE_EXECUTION_COMPLETE,
        &WORKFLOW_EXECUTED,
        &CONDITIONAL_PASSED_THROUGH,
        &SAGA_COMPENSATION_FAILED,
        &LABEL_LIMIT_REACHED,
        &IDENTIFIER_REPLACED,
    ],
};

/// Executions of a primitive, by how they ended.
pub(crate) const PRIMITIVE_EXECUTIONS: MetricSpec = MetricSpec::counter(
    "primitive_executions_total",
    Unit::One,
    "Executions of a primitive by how they ended: success, error or cancelled.",
)
.labels(&["primitive", "primitive_type", "status"])
.aliases(&["primitive_executions_total"]);

/// How long executions of a primitive took.
pub(crate) const PRIMITIVE_DURATION: MetricSpec = MetricSpec::histogram(
    "primitive_execution_duration_seconds",
    Unit::Seconds,
    "Time from the start of an execution to its end, however it ended.",
)
.labels(&["primitive", "primitive_type"])
.aliases(&["primitive_duration_seconds"]);

/// Failed executions of a primitive, by kind of error.
pub(crate) const PRIMITIVE_ERRORS: MetricSpec = MetricSpec::counter(
    "primitive_execution_errors_total",
    Unit::One,
    "Executions of a primitive that ended in an error, by its kind.",
)
.labels(&["primitive", "error_type"])
.aliases(&["primitive_errors_total"]);

/// Executions of a primitive that have begun and not ended.
pub(crate) const PRIMITIVE_IN_FLIGHT: MetricSpec = MetricSpec::gauge(
    "primitive_executions_in_flight",
    Unit::One,
    "Executions of a primitive that have begun and not ended.",
)
.labels(&["primitive"]);

/// Time a primitive spent computing rather than waiting.
pub(crate) const PRIMITIVE_BUSY: MetricSpec = MetricSpec::counter(
    "primitive_busy_seconds_total",
    Unit::Seconds,
    "Time spent inside polls of a primitive, for those that asked for it to be measured.",
)
.labels(&["primitive"]);

/// Executions of a workflow, by how they ended.
pub(crate) const WORKFLOW_EXECUTIONS: MetricSpec = MetricSpec::counter(
    "workflow_executions_total",
    Unit::One,
    "Executions of a workflow by how they ended: success, error or cancelled.",
)
.labels(&["workflow", "status"]);

/// How long executions of a workflow took.
pub(crate) const WORKFLOW_DURATION: MetricSpec = MetricSpec::histogram(
    "workflow_duration_seconds",
    Unit::Seconds,
    "Time from the start of a workflow to its end, however it ended.",
)
.labels(&["workflow"]);

/// Workflows that have begun and not ended.
pub(crate) const ACTIVE_WORKFLOWS: MetricSpec = MetricSpec::gauge(
    "active_workflows",
    Unit::One,
    "Workflows that have begun and not ended.",
)
.labels(&["workflow"]);

/// Executions of a fallback, by the path that answered.
pub(crate) const FALLBACK_EXECUTIONS: MetricSpec = MetricSpec::counter(
    "fallback_executions_total",
    Unit::One,
    "Executions of a fallback by the path that answered: primary, fallback or none.",
)
.labels(&["primitive", "path"]);

/// Compensations of a saga, by how they ended.
pub(crate) const SAGA_COMPENSATIONS: MetricSpec = MetricSpec::counter(
    "saga_compensations_total",
    Unit::One,
    "Compensations run after a failed saga step by how they ended: success or error.",
)
.labels(&["primitive", "outcome"]);

/// The root span of a workflow.
pub(crate) const WORKFLOW_SPAN: SpanSpec = SpanSpec {
    name: "{workflow}.execute",
    help: "One execution of a workflow; the root of our part of the trace. \
           A workflow without a name is called `workflow`.",
    attributes: &[
        "correlation_id",
        "workflow.id",
        "session.id",
        "error.type",
        "sampling.kept_for",
    ],
};

/// The span of a step.
pub(crate) const PRIMITIVE_SPAN: SpanSpec = SpanSpec {
    name: "{primitive}.execute",
    help: "One execution of a primitive.",
    attributes: &[
        "primitive.name",
        "primitive.type",
        "correlation_id",
        "workflow.id",
        "session.id",
        "error.type",
    ],
};

/// The span of one branch of a parallel.
pub(crate) const PARALLEL_BRANCH_SPAN: SpanSpec = SpanSpec {
    name: "parallel.branch",
    help: "One branch of a parallel; it says cancelled when a sibling failed first.",
    attributes: &["branch.index", "error.type"],
};

/// The span of a fallback's first try.
pub(crate) const FALLBACK_PRIMARY_SPAN: SpanSpec = SpanSpec {
    name: "fallback.primary",
    help: "The primary of a fallback.",
    attributes: &["error.type"],
};

/// The span of a fallback's second try.
pub(crate) const FALLBACK_FALLBACK_SPAN: SpanSpec = SpanSpec {
    name: "fallback.fallback",
    help: "The fallback, run because the primary failed.",
    attributes: &["fallback.reason", "error.type"],
};

/// The span of a saga's forward step.
pub(crate) const SAGA_FORWARD_SPAN: SpanSpec = SpanSpec {
    name: "saga.forward",
    help: "The forward step of a saga.",
    attributes: &["error.type"],
};

/// The span of a saga's compensation.
pub(crate) const SAGA_COMPENSATION_SPAN: SpanSpec = SpanSpec {
    name: "saga.compensation",
    help: "The compensation, run because the forward step failed.",
    attributes: &["error.type"],
};

/// A step ended.
pub(crate) const PRIMITIVE_EXECUTION_COMPLETE: LogSpec = LogSpec {
    name: "primitive_execution_complete",
    help: "A step ended: at debug, or at warn at the step where an error began.",
    fields: &["primitive", "duration_ms", "status", "error_type"],
};

/// A workflow ended.
pub(crate) const WORKFLOW_EXECUTED: LogSpec = LogSpec {
    name: "workflow_executed",
    help: "A workflow ended: at info, or at warn when it failed.",
    fields: &["workflow_name", "duration_ms", "status", "error_type"],
};

/// A conditional without an else passed its input on.
pub(crate) const CONDITIONAL_PASSED_THROUGH: LogSpec = LogSpec {
    name: "conditional_passed_through",
    help: "The predicate said no and there is no other branch: the input was passed on. At debug.",
    fields: &["primitive"],
};

/// A compensation failed.
pub(crate) const SAGA_COMPENSATION_FAILED: LogSpec = LogSpec {
    name: "saga_compensation_failed",
    help: "A compensation failed too; what it should have undone may need a hand. At error.",
    fields: &["primitive", "error_type", "error"],
};

/// A metric has more label sets than the limit.
pub(crate) const LABEL_LIMIT_REACHED: LogSpec = LogSpec {
    name: "label_limit_reached",
    help: "A metric reached its limit of label sets; further sets are counted in the series \
           whose labels read `__overflow__`. Said once for each metric, at warn.",
    fields: &["metric", "limit"],
};

/// An identifier from outside was replaced.
pub(crate) const IDENTIFIER_REPLACED: LogSpec = LogSpec {
    name: "identifier_replaced",
    help: "An identifier from outside does not match `[A-Za-z0-9._:-]{1,128}`; it was left out or \
           replaced by a fresh one. At warn.",
    fields: &["field"],
};
