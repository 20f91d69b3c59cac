//! Who gets in with a name and a password; the cases are those of Prometheus's exporter-toolkit and
//! more.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tta_metrics_server::{BasicAuth, MetricsServerError, ServerEvent};
use tta_testkit::faults::report;

use crate::exposition::{BODY, plain, start};
use crate::scraper::{PATIENCE, exchange, get, request};

/// An `Authorization` header.
fn basic(credentials: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(credentials))
}

fn two_users() -> BasicAuth {
    BasicAuth::new("prometheus", CANARY)
        .and_then(|auth| auth.with_user("öps", "pass:with:colons"))
        .expect("both are fine")
}

#[test]
fn fault_38_wrong_credentials_are_a_401_and_no_secret_is_told() {
    let events: Arc<Mutex<Vec<ServerEvent>>> = Arc::default();
    let told = Arc::clone(&events);
    let server = plain()
        .with_basic_auth(two_users())
        .with_event_listener(move |event| {
            told.lock().expect("whole").push(event.clone());
        });
    let mut shown = format!("{server:?}");
    let server = start(server);
    let token = STANDARD.encode(format!("prometheus:{CANARY}"));
    let right = basic(&format!("prometheus:{CANARY}"));
    let table = [
        (right.clone(), 200),
        (basic("öps:pass:with:colons"), 200),
        (format!("authorization: basic {token}\r\n"), 200),
        (format!("AUTHORIZATION: BASIC   {token}  \r\n"), 200),
        (String::new(), 401),
        ("Authorization:\r\n".to_owned(), 401),
        ("Authorization: Basic\r\n".to_owned(), 401),
        ("Authorization: Basic \r\n".to_owned(), 401),
        ("Authorization: Basic *\r\n".to_owned(), 401),
        (format!("Authorization: Basic{token}\r\n"), 401),
        (format!("Authorization: Bearer {token}\r\n"), 401),
        (format!("Authorization: Digest {token}\r\n"), 401),
        (format!("Authorization: Token {token}\r\n"), 401),
        (format!("Authorization: {token}\r\n"), 401),
        (format!("Authorization: Basic {token} {token}\r\n"), 401),
        (format!("Authorization: Basic {CANARY}\r\n"), 401),
        (format!("X-Authorization: Basic {token}\r\n"), 401),
        (basic(""), 401),
        (basic(":"), 401),
        (basic("prometheus"), 401),
        (basic("prometheus:"), 401),
        (basic(&format!(":{CANARY}")), 401),
        (basic(&format!("prometheus:{CANARY} ")), 401),
        (basic(&format!("prometheus:{}", &CANARY[..10])), 401),
        (basic(&format!("PROMETHEUS:{CANARY}")), 401),
        (basic("prometheus:pass:with:colons"), 401),
        (basic(&format!("öps:{CANARY}")), 401),
        (basic("nobody:nothing"), 401),
        (format!("{right}{right}"), 401),
        (format!("{right}{}", basic("nobody:nothing")), 401),
        (
            format!("Authorization: Basic {}\r\n", "A".repeat(10_000)),
            401,
        ),
    ];
    let mut wrong = 0;
    for (headers, status) in &table {
        let answer = get(server.local_addr(), "/metrics", headers);
        assert_eq!(answer.status, *status, "{headers}");
        if *status == 200 {
            assert_eq!(answer.text(), BODY);
        } else {
            wrong += 1;
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, Some(r#"Basic realm="metrics", charset="UTF-8""#));
            shown += &answer.head;
            shown += answer.text();
        }
    }
    assert_eq!(server.stats().requests_unauthorized, wrong);
    let printed = [
        format!("{server:?} {events:?}"),
        format!("{:?}", two_users()),
    ];
    shown += &printed.concat();
    let told = [CANARY, &token, "pass:with"].map(|secret| shown.matches(secret).count());
    report(
        38,
        "wrong credentials",
        "a 401 for each, no secret in what is answered, told or printed",
        format!(
            "{wrong} of {wrong} a 401, {} secrets told",
            told.iter().sum::<usize>()
        ),
        told == [0; 3],
    );
}

/// Refusals are timed where the comparison is, since a network would hide what is to be found.
#[test]
fn fault_38_how_long_a_refusal_takes_tells_nothing() {
    // Long, so that a comparison that ends early would end noticeably early.
    let secret = CANARY.repeat(25);
    let auth = BasicAuth::new("prometheus", &secret).expect("it is fine");
    let header = |name: &str, password: &str| {
        let token = STANDARD.encode(format!("{name}:{password}"));
        format!("Basic {token}").into_bytes()
    };
    let wrong_at = |place: usize| {
        let mut guess = secret.clone();
        guess.replace_range(place..=place, "#");
        header("prometheus", &guess)
    };
    let last = secret.len() - 1;
    let nobody = header("prometheu_", &secret);
    for (part, [one, other]) in [
        (
            "the first or the last letter wrong",
            [wrong_at(0), wrong_at(last)],
        ),
        (
            "the user or the last letter wrong",
            [nobody, wrong_at(last)],
        ),
    ] {
        // Of what takes the same time, one in a hundred measurements would say that it does not.
        let best = (0..3)
            .map(|_| p_value(&auth, &one, &other))
            .fold(0.0, f64::max);
        // What is not optimised takes its time everywhere else.
        if cfg!(not(debug_assertions)) {
            let part = format!("timing, {part}");
            let goal = "t-test p > 0.01, the best of 3";
            report(38, &part, goal, format!("p = {best:.2}"), best > 0.01);
        }
    }
}

/// How likely two refusals differ as much in time as they do if they take the same: Welch's t-test
/// on the medians of many small groups, measured in turns and in random order.
fn p_value(auth: &BasicAuth, one: &[u8], other: &[u8]) -> f64 {
    let time = |header: &[u8]| {
        let begun = Instant::now();
        assert!(!std::hint::black_box(auth).admits(std::hint::black_box(header)));
        begun.elapsed().as_nanos() as f64
    };
    let groups = if cfg!(debug_assertions) { 10 } else { 400 };
    let mut medians = [Vec::new(), Vec::new()];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..groups {
        let mut times = [Vec::new(), Vec::new()];
        while times.iter().any(|times| times.len() < 50) {
            // Xorshift: which comes next must not be a pattern that a processor learns.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let is_one = random & 1 == 0;
            times[usize::from(is_one)].push(time(if is_one { one } else { other }));
        }
        for (medians, times) in medians.iter_mut().zip(&mut times) {
            times.sort_by(f64::total_cmp);
            medians.push(times[times.len() / 2]);
        }
    }
    let [(mean, variance), (other_mean, other_variance)] = medians.map(|medians| {
        let count = medians.len() as f64;
        let mean = medians.iter().sum::<f64>() / count;
        let squares = medians.iter().map(|time| (time - mean).powi(2));
        (mean, squares.sum::<f64>() / (count - 1.0) / count)
    });
    let spread = (variance + other_variance).sqrt();
    if spread == 0.0 {
        return if (mean - other_mean).abs() < f64::EPSILON {
            1.0
        } else {
            0.0
        };
    }
    // With so many groups Student's distribution is the normal one.
    let t = (mean - other_mean).abs() / spread;
    complementary_error(t / std::f64::consts::SQRT_2)
}

/// 1 - erf(x), to within 2e-7: Abramowitz and Stegun, 7.1.26.
fn complementary_error(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let coefficients = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let polynomial = coefficients.iter().fold(0.0, |sum, c| (sum + c) * t);
    polynomial * (-x * x).exp()
}

#[test]
fn all_but_the_probes_ask_for_the_password_also_what_does_not_exist() {
    let server = start(plain().with_basic_auth(two_users()));
    let right = basic(&format!("prometheus:{CANARY}"));
    for (method, path, stranger, known) in [
        ("GET", "/metrics", 401, 200),
        ("HEAD", "/metrics", 401, 200),
        ("POST", "/metrics", 401, 405),
        ("GET", "/health", 401, 200),
        ("GET", "/health/", 401, 404),
        ("GET", "/nothing", 401, 404),
        ("GET", "/health/live", 200, 200),
        ("GET", "/health/ready", 200, 200),
        ("POST", "/health/live", 405, 405),
    ] {
        let status = |headers: &str| {
            let request = request(method, path, headers);
            exchange(server.local_addr(), request.as_bytes()).status
        };
        assert_eq!(
            (status(""), status(&right)),
            (stranger, known),
            "{method} {path}"
        );
    }
}

#[test]
fn a_password_file_may_change_and_a_broken_one_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    fs::write(&file, format!("{CANARY}\r\n")).expect("the folder is ours");
    let events: Arc<Mutex<Vec<ServerEvent>>> = Arc::default();
    let told = Arc::clone(&events);
    let auth = BasicAuth::from_password_file("prometheus", &file).expect("it can be read");
    let server = start(
        plain()
            .with_basic_auth(auth)
            .with_event_listener(move |event| told.lock().expect("whole").push(event.clone())),
    );
    let status = |password: &str| {
        let headers = basic(&format!("prometheus:{password}"));
        get(server.local_addr(), "/metrics", &headers).status
    };
    let eventually = |password: &str, count: usize| {
        let begun = Instant::now();
        while status(password) != 200 || events.lock().expect("whole").len() < count {
            assert!(begun.elapsed() < PATIENCE, "{events:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    assert_eq!((status(CANARY), status("")), (200, 401));
    fs::write(&file, "\n").expect("the folder is ours");
    eventually(CANARY, 1);
    // It is looked at once a second; that it is still wrong is no news.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(2_200) {
        assert_eq!(status(CANARY), 200);
        std::thread::sleep(Duration::from_millis(50));
    }
    fs::write(&file, "renewed").expect("the folder is ours");
    eventually("renewed", 2);
    assert_eq!(status(CANARY), 401);
    let events = events.lock().expect("whole");
    assert!(
        matches!(
            &events[..],
            [
                ServerEvent::ReloadFailed { .. },
                ServerEvent::Reloaded { .. }
            ]
        ),
        "{events:?}"
    );
    assert!(!format!("{events:?}").contains(CANARY));
}

#[test]
fn credentials_that_no_client_could_send_are_refused_without_telling_them() {
    for (name, password) in [
        ("", "secret"),
        ("a:b", "secret"),
        ("a\nb", "secret"),
        ("name", ""),
        ("name", "secret\n"),
        ("name", "sec\u{0}ret"),
    ] {
        let error = BasicAuth::new(name, password).expect_err("it cannot be used");
        assert!(matches!(error, MetricsServerError::Credentials { .. }));
        assert!(!format!("{error} {error:?}").contains("sec"), "{error}");
    }
    let error = BasicAuth::from_password_file("name", "/nowhere/password").expect_err("no file");
    assert!(error.to_string().contains("/nowhere/password"), "{error}");
}

const CANARY: &str = "canary-9e107d9d372bb6826bd81d3542a419d6";
