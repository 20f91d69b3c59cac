//! The core's log records as events of `tracing`, which every subscriber sees.

use std::cell::{Cell, RefCell};

use tracing::Value;

use tta_core::{Level, LogField, LogRecord, LogValue};

use super::fields::Fields;
use super::place;

/// Emits a record as an event of `tracing`: its event name is the message, its fields are fields.
///
/// `tracing` fixes the names of an event's fields when it is compiled. Fields that are in
/// [`DECLARED_FIELDS`] are fields of the event. Others, of events that an application declares
/// itself, are fields in our own lines, and for other subscribers one field, `details`, with all of
/// them as text.
pub fn emit(record: &LogRecord<'_>) {
    let mut slots = Slots::default();
    let mut undeclared = Vec::new();
    for field in record.fields {
        if !slots.fill(field) {
            undeclared.push((field.name, Owned::from(field.value)));
        }
    }
    let details = (!undeclared.is_empty()).then(|| format!("{undeclared:?}"));
    let undeclared = exchange(undeclared);
    place::within(record.context, || {
        let (name, details) = (record.event.name, details.as_deref());
        match record.level {
            Level::Trace => slots.event_at_trace(name, details),
            Level::Debug => slots.event_at_debug(name, details),
            Level::Info => slots.event_at_info(name, details),
            Level::Warn => slots.event_at_warn(name, details),
            Level::Error => slots.event_at_error(name, details),
        }
    });
    exchange(undeclared);
}

/// The least level of our events that the subscriber wants, if it wants any.
///
/// `tracing` keeps no exact answer for filters of single layers when several subscribers live at
/// once. The level may then be lower than any of them wants; each still gets what it wants.
pub fn enabled_level() -> Option<Level> {
    // In ascending order: the first that is wanted is the least.
    if tracing::enabled!(target: TARGET, tracing::Level::TRACE) {
        Some(Level::Trace)
    } else if tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
        Some(Level::Debug)
    } else if tracing::enabled!(target: TARGET, tracing::Level::INFO) {
        Some(Level::Info)
    } else if tracing::enabled!(target: TARGET, tracing::Level::WARN) {
        Some(Level::Warn)
    } else if tracing::enabled!(target: TARGET, tracing::Level::ERROR) {
        Some(Level::Error)
    } else {
        None
    }
}

/// The field that stands for those which the event being emitted has no names for, if it has any.
pub(super) fn stand_in() -> Option<&'static str> {
    HAS_UNDECLARED.get().then_some("details")
}

/// Writes the fields that the event being emitted has no names for.
pub(super) fn record_undeclared(fields: &mut Fields<'_>) {
    // A thread that ends, or a record inside a record, has none.
    let _ = UNDECLARED.try_with(|undeclared| {
        for (name, value) in undeclared.try_borrow().iter().flat_map(|all| all.iter()) {
            match value {
                Owned::Text(text) => fields.text(name, text),
                Owned::Unsigned(number) => fields.unsigned(name, *number),
                Owned::Float(number) => fields.float(name, *number),
            }
        }
    });
}

/// The value of a field for as long as the event lasts.
#[derive(Debug)]
enum Owned {
    Text(String),
    Unsigned(u64),
    Float(f64),
}

impl From<LogValue<'_>> for Owned {
    fn from(value: LogValue<'_>) -> Self {
        match value {
            LogValue::Str(text) => Self::Text(text.to_owned()),
            LogValue::Unsigned(number) => Self::Unsigned(number),
            LogValue::Float(number) => Self::Float(number),
            // A shape that a later core may add.
            other => Self::Text(format!("{other:?}")),
        }
    }
}

type Undeclared = Vec<(&'static str, Owned)>;

fn exchange(undeclared: Undeclared) -> Undeclared {
    let exchanged = UNDECLARED.try_with(|slot| {
        let mut slot = slot.try_borrow_mut().ok()?;
        HAS_UNDECLARED.set(!undeclared.is_empty());
        Some(std::mem::replace(&mut *slot, undeclared))
    });
    exchanged.ok().flatten().unwrap_or_default()
}

/// The target of our events.
const TARGET: &str = "tta";

thread_local! {
    static UNDECLARED: RefCell<Undeclared> = const { RefCell::new(Vec::new()) };
    /// Whether there are any: asked for every line, and of a cell that is as good as none.
    static HAS_UNDECLARED: Cell<bool> = const { Cell::new(false) };
}

/// Makes the list of names, the place for the value of each, and the events that have them all.
macro_rules! declared_fields {
    ($($field:ident)*) => {
        /// Every name that a field of one of the project's own log events has.
        pub const DECLARED_FIELDS: &[&str] = &[$(stringify!($field)),*];

        #[derive(Default)]
        struct Slots<'a> {
            $($field: Option<&'a dyn Value>,)*
        }

        impl<'a> Slots<'a> {
            /// Keeps the field; false if its name is not one of ours.
            fn fill(&mut self, field: &'a LogField<'a>) -> bool {
                let value: &dyn Value = match &field.value {
                    LogValue::Str(text) => text,
                    LogValue::Unsigned(number) => number,
                    LogValue::Float(number) => number,
                    _ => return false,
                };
                match field.name {
                    $(stringify!($field) => self.$field = Some(value),)*
                    _ => return false,
                }
                true
            }

            declared_fields!(@event event_at_trace TRACE $($field)*);
            declared_fields!(@event event_at_debug DEBUG $($field)*);
            declared_fields!(@event event_at_info INFO $($field)*);
            declared_fields!(@event event_at_warn WARN $($field)*);
            declared_fields!(@event event_at_error ERROR $($field)*);
        }
    };
    (@event $method:ident $level:ident $($field:ident)*) => {
        fn $method(&self, name: &str, details: Option<&str>) {
            tracing::event!(
                target: TARGET,
                tracing::Level::$level,
                message = name,
                $($field = self.$field,)*
                details,
            );
        }
    };
}

declared_fields! {
    primitive
    workflow_name
    duration_ms
    status
    error_type
    error
    reason
    route
    field
    metric
    limit
    signal
    endpoint
    dropped
    setting
    value
    part
    tier
    from
    to
    failures
    calls
    wait_ms
}
