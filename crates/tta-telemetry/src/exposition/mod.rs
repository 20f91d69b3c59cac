//! Rendering of the instruments in the Prometheus formats.
