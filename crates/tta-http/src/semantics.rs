//! Values of the semantic conventions for HTTP, one of few each.

use http::{Method, StatusCode};
use tta_core::SpanStatus;

/// The method's name, if it is one that the conventions know.
pub(crate) fn known_method(method: &Method) -> Option<&'static str> {
    KNOWN_METHODS
        .iter()
        .find(|known| **known == method.as_str())
        .copied()
}

/// The status of a span whose answer says that it failed.
pub(crate) fn error_of_status(status: StatusCode) -> SpanStatus {
    let error_type = ERROR_CODES
        .iter()
        .find(|(code, _)| *code == status.as_u16())
        .map_or("_OTHER", |(_, text)| text);
    SpanStatus::Error {
        error_type,
        description: status.canonical_reason().unwrap_or("").into(),
    }
}

const KNOWN_METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
];

/// The codes that are assigned; another is `_OTHER`.
const ERROR_CODES: [(u16, &str); 40] = [
    (400, "400"),
    (401, "401"),
    (402, "402"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (406, "406"),
    (407, "407"),
    (408, "408"),
    (409, "409"),
    (410, "410"),
    (411, "411"),
    (412, "412"),
    (413, "413"),
    (414, "414"),
    (415, "415"),
    (416, "416"),
    (417, "417"),
    (418, "418"),
    (421, "421"),
    (422, "422"),
    (423, "423"),
    (424, "424"),
    (425, "425"),
    (426, "426"),
    (428, "428"),
    (429, "429"),
    (431, "431"),
    (451, "451"),
    (500, "500"),
    (501, "501"),
    (502, "502"),
    (503, "503"),
    (504, "504"),
    (505, "505"),
    (506, "506"),
    (507, "507"),
    (508, "508"),
    (510, "510"),
    (511, "511"),
];
