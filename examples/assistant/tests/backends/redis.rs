//! Two demonstrations that share their cache in a real Redis.

use tta_testkit::otlp::OtlpReceiver;
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::demo::Demo;

/// A machine with other work answers late, and a late answer is computed instead.
const PATIENT: [&str; 2] = ["--redis-budget", "20000"];

#[test]
fn two_side_by_side_compute_each_question_once_between_them() {
    let receiver = OtlpReceiver::start().unwrap();
    let redis = require!(RedisServer::start());
    let url = redis.url();
    let start = || {
        let arguments = ["--speed", "10", "--no-failures", "--redis", &url];
        let arguments = [&arguments[..], &PATIENT].concat();
        Demo::start(&receiver.grpc_endpoint(), "grpc", &arguments)
    };
    let (one, other) = (start(), start());
    let (one, other) = (one.wait(), other.wait());
    let sum = |pointer: &str| one.count(pointer) + other.count(pointer);

    // One that runs alone computes what it has to; two have no more to do together.
    let alone = Demo::run(
        &receiver.grpc_endpoint(),
        "grpc",
        &["--speed", "10", "--no-failures"],
    );
    assert_eq!(sum("/computed"), alone.count("/computed"));
    assert!(sum("/from_elsewhere") > 0, "no hit across processes");
    assert!(
        sum("/awaited_elsewhere") > 0,
        "nobody waited for what the other process was computing"
    );
    let hits = one.number("/cache/redis_hits") + other.number("/cache/redis_hits");
    assert!(hits > 0.0, "no hit in Redis");
    for demo in [&one, &other] {
        assert_eq!(demo.summary["disagreements"].as_array().unwrap().len(), 0);
        assert_eq!(demo.count("/answered"), demo.count("/requests"));
    }
}

#[test]
fn a_redis_that_is_not_there_costs_no_answer() {
    let receiver = OtlpReceiver::start().unwrap();
    // Nothing listens on this port of the machine itself: it is reserved.
    let arguments = [
        "--speed",
        "50",
        "--no-failures",
        "--redis",
        "redis://127.0.0.1:1",
    ];
    let demo = Demo::run(&receiver.grpc_endpoint(), "grpc", &arguments);

    assert_eq!(demo.count("/answered"), demo.count("/requests"));
    assert_eq!(demo.summary["disagreements"].as_array().unwrap().len(), 0);
    assert_eq!(demo.count("/from_elsewhere"), 0);
}

#[test]
fn answers_outlive_the_program_that_computed_them() {
    let receiver = OtlpReceiver::start().unwrap();
    let redis = require!(RedisServer::start());
    let url = redis.url();
    let arguments = ["--speed", "10", "--no-failures", "--redis", &url];
    let arguments = [&arguments[..], &PATIENT].concat();
    let run = || Demo::run(&receiver.grpc_endpoint(), "grpc", &arguments);
    drop(run());
    let second = run();

    assert_eq!(second.count("/computed"), 0);
    assert_eq!(second.count("/from_elsewhere"), second.count("/requests"));
}

#[test]
fn demonstrations_of_different_seeds_do_not_answer_each_other() {
    let receiver = OtlpReceiver::start().unwrap();
    let redis = require!(RedisServer::start());
    let url = redis.url();
    let run = |seed| {
        let arguments = ["--speed", "50", "--seed", seed, "--redis", &url];
        Demo::run(&receiver.grpc_endpoint(), "grpc", &arguments)
    };
    drop(run("1"));
    assert_eq!(run("2").count("/from_elsewhere"), 0);
}
